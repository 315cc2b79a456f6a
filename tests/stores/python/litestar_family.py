"""Litestar with advanced-alchemy."""

import asyncio

from advanced_alchemy.extensions.litestar import SQLAlchemyAsyncConfig
from advanced_alchemy.extensions.litestar.session import SessionModelMixin, SQLAlchemyAsyncSessionBackend
from litestar.middleware.session.server_side import ServerSideSessionConfig
from sqlalchemy import select


class WebSession(SessionModelMixin):
    __tablename__ = "web_session"


class Litestar:
    def __init__(self):
        self.loop = asyncio.new_event_loop()
        self.alchemy = SQLAlchemyAsyncConfig(connection_string="postgresql+psycopg://")
        self.loop.run_until_complete(self.create())

    async def create(self):
        async with self.alchemy.get_engine().begin() as connection:
            await connection.run_sync(WebSession.metadata.create_all)

    def write(self, key, offset):
        config = ServerSideSessionConfig()
        # Where it is created it has to be positive.
        config.max_age = int(offset.total_seconds())
        backend = SQLAlchemyAsyncSessionBackend(config=config, alchemy_config=self.alchemy, model=WebSession)
        self.loop.run_until_complete(backend.set(key, key.encode(), None))

    def load(self, key):
        async def found():
            async with self.alchemy.get_session() as session:
                return await session.scalar(select(WebSession.data).where(WebSession.session_id == key))
        return self.loop.run_until_complete(found()) == key.encode()


STORES = {"litestar": Litestar}
