"""Models of the tests, as MLServer runs them: one adds up rows of three numbers, one says a text in capitals."""

import asyncio
import os

from mlserver import MLModel
from mlserver.codecs import NumpyCodec, StringCodec
from mlserver.errors import InferenceError
from mlserver.types import InferenceResponse


class Tested(MLModel):
    def extra(self, name, otherwise):
        return ((self.settings.parameters and self.settings.parameters.extra) or {}).get(name, otherwise)

    async def load(self):
        # It is loaded once this file is there.
        gate = self.extra("gate", None)
        while gate and not os.path.exists(gate):
            await asyncio.sleep(0.05)
        return True


class Sum(Tested):
    async def predict(self, payload):
        await asyncio.sleep(self.extra("seconds", 0))
        x = NumpyCodec.decode_input(payload.inputs[0])
        if x.ndim != 2 or x.shape[1] != 3:
            raise InferenceError(f"x has shape {list(x.shape)}, not [-1, 3]")
        sums = NumpyCodec.encode_output("y", x.sum(axis=1, keepdims=True))
        return InferenceResponse(model_name=self.name, outputs=[sums])


class Capitals(Tested):
    async def predict(self, payload):
        said = [text.upper() for text in StringCodec.decode_input(payload.inputs[0])]
        return InferenceResponse(model_name=self.name, outputs=[StringCodec.encode_output("said", said)])
