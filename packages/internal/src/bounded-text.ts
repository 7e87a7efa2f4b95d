/**
 * The text of an answer from the network, or `undefined` for one of more than `mostBytes`, of which no more is read: a server
 * may send without end. It throws what reading throws.
 */
export async function boundedText(response: Response, mostBytes: number): Promise<string | undefined> {
  if (response.body === null) return ''
  const chunks: Uint8Array[] = []
  let bytes = 0
  // Leaving the loop cancels the rest.
  for await (const chunk of response.body as AsyncIterable<Uint8Array>) {
    bytes += chunk.length
    if (bytes > mostBytes) return undefined
    chunks.push(chunk)
  }
  return new TextDecoder().decode(Buffer.concat(chunks))
}
