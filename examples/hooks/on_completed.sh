#!/bin/sh
# Told of every completed recording, at least once: leave a line about it for somebody else to read.
# Twice is as good as once, because the file is named after the recording.
set -eu
mkdir -p "$EZREC_ROOT/../completed"
name=$(printf %s "$EZREC_RECORDING_ID" | tr / _)
printf '%s for %s: %s bytes\n' \
    "$EZREC_RECORDING_ID" "${EZREC_USER_ID:-nobody}" "$(stat -c %s merged.mp4)" \
    > "$EZREC_ROOT/../completed/$name"
