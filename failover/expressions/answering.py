"""The process that evaluates expressions: a question in, an answer out, until nobody asks any more.

An expression cannot be trusted to end: CEL always does, in time that grows with each nested macro. No
code in the same process can stop it, since the library holds the interpreter while it works. So this
process ends *itself*, by the kernel's timer, whose signal nobody catches; and the kernel refuses it
more memory than it may have. Whoever asked sees the end, and starts another.

Only this module and its two imports are loaded here: it starts in some tens of milliseconds.
"""

from __future__ import annotations

import json
import resource
import signal
import socket
import struct
from collections import OrderedDict
from typing import Any

from cel_expr_python import cel

ANSWER_SECONDS_MAX = 0.25
"""Of a processor's time: a machine that is busy with other things makes no expression costly."""
MEMORY_BYTES_MAX = 1024**3
COMPILED_MAX = 1000
MESSAGE_LENGTH_MAX = 200

LENGTH = struct.Struct(">I")


def main() -> None:
    """Answer what comes in on standard input, which is a socket."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES_MAX, MEMORY_BYTES_MAX))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a person's Ctrl-C is for the one who asks
    evaluator = Evaluator()
    with socket.socket(fileno=0) as asker, asker.makefile("rwb") as stream:
        while question := receive(stream):
            signal.setitimer(signal.ITIMER_PROF, ANSWER_SECONDS_MAX)
            answer = evaluator.answer(json.loads(question))
            signal.setitimer(signal.ITIMER_PROF, 0)
            send(stream, json.dumps(answer).encode())


def receive(stream: Any) -> bytes:
    """One message; nothing at the end."""
    head = stream.read(LENGTH.size)
    return stream.read(LENGTH.unpack(head)[0]) if len(head) == LENGTH.size else b""


def send(stream: Any, message: bytes) -> None:
    """One message."""
    stream.write(LENGTH.pack(len(message)) + message)
    stream.flush()


class Evaluator:
    """Compiles each expression once."""

    def __init__(self) -> None:
        """Nothing is compiled yet."""
        self._environment = cel.NewEnv(
            variables={"object": cel.Type.DYN, "owned": cel.Type.List(cel.Type.DYN)}
        )
        self._compiled: OrderedDict[str, Any] = OrderedDict()

    def answer(self, question: dict[str, Any]) -> dict[str, Any]:
        """`{"index": 2}`, `{"index": null}`, or `{"failed": 2, "message": "…"}`."""
        data = {"object": question["object"], "owned": question["owned"]}
        index = 0
        try:
            activation = self._environment.Activation(data)
            for index, text in enumerate(question["expressions"]):
                found = self._expression(text).eval(activation)
                if found.type() == cel.Type.ERROR:
                    return _failed(index, str(found.value()))
                if found.type() != cel.Type.BOOL:
                    return _failed(index, f"it gives {found.type().name()}, not true or false")
                if found.value():
                    return {"index": index}
        except Exception as error:  # noqa: BLE001 - whatever the library raises is the answer
            return _failed(index, str(error))
        return {"index": None}

    def _expression(self, text: str) -> Any:
        if text not in self._compiled:
            self._compiled[text] = self._environment.compile(text)
            if len(self._compiled) > COMPILED_MAX:
                self._compiled.popitem(last=False)
        return self._compiled[text]


def _failed(index: int, message: str) -> dict[str, Any]:
    return {"failed": index, "message": message.splitlines()[0][:MESSAGE_LENGTH_MAX]}


if __name__ == "__main__":
    main()
