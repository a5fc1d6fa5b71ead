"""What OpenAI's own client makes of a server: prints it as JSON. The first argument is the base URL."""

import json
import sys

import openai

client = openai.OpenAI(base_url=sys.argv[1], api_key="a-key", max_retries=0)
messages = [{"role": "user", "content": "hello"}]


def streamed(**options):
    heard = {"content": "", "calls": {}, "finish": None, "usage": None}
    stream = client.chat.completions.create(
        model="fake", messages=messages, stream=True, stream_options={"include_usage": True}, **options
    )
    for chunk in stream:
        if chunk.usage is not None:
            heard["usage"] = [chunk.usage.prompt_tokens, chunk.usage.completion_tokens, chunk.usage.total_tokens]
        for choice in chunk.choices:
            heard["content"] += choice.delta.content or ""
            heard["finish"] = choice.finish_reason or heard["finish"]
            for piece in choice.delta.tool_calls or []:
                call = heard["calls"].setdefault(piece.index, {"id": piece.id, "name": piece.function.name, "arguments": ""})
                call["arguments"] += piece.function.arguments or ""
    return heard


def whole(**options):
    reply = client.chat.completions.create(model="fake", messages=messages, **options)
    choice = reply.choices[0]
    return {
        "content": choice.message.content,
        "calls": [[call.id, call.function.name, call.function.arguments] for call in choice.message.tool_calls or []],
        "finish": choice.finish_reason,
        "usage": [reply.usage.prompt_tokens, reply.usage.completion_tokens, reply.usage.total_tokens],
    }


def refused():
    try:
        whole()
    except openai.APIStatusError as error:
        return [type(error).__name__, error.status_code]


print(
    json.dumps(
        {
            "models": [model.id for model in client.models.list()],
            "streamed": streamed(),
            "whole": whole(),
            "streamed_calls": streamed(),
            "whole_calls": whole(),
            "refused": refused(),
            "embedding": list(client.embeddings.create(model="fake", input=["x"], encoding_format="float").data[0].embedding),
        }
    )
)
