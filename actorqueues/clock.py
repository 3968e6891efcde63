"""How far the database's clock is moved. Only ``actorqueues.testing`` sets it."""

from datetime import timedelta

offset: timedelta = timedelta(0)
