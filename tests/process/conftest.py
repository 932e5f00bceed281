"""What these tests share with those of the state machine."""

from tests.statemachine.conftest import minded

__all__ = ["minded"]
