import type { FetchLike } from "@modelcontextprotocol/client";

/**
 * `fetch`, whose answers end with an error as soon as more than `maxBytes` of a body have come, counted after it was
 * unpacked.
 */
export function limitedFetch(maxBytes: number): FetchLike {
  return async (url, init) => {
    const answer = await fetch(url, init);
    if (answer.body === null) return answer;
    let bytes = 0;
    const counted = answer.body.pipeThrough(
      new TransformStream<Uint8Array, Uint8Array>({
        transform(chunk, controller) {
          bytes += chunk.byteLength;
          if (bytes > maxBytes) controller.error(new Error(`the server's answer has more than ${maxBytes} bytes`));
          else controller.enqueue(chunk);
        },
      }),
    );
    const { status, statusText, headers } = answer;
    return new Response(counted, { status, statusText, headers });
  };
}
