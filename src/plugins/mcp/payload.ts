/**
 * What a tool found, as the JSON text that goes out. A page of messages is long, and writing it is most of what an
 * answer costs: it is written once, kept as bytes, and set into each answer as it is.
 */
export interface Payload {
  /** An object's text without its first brace, so that something can be said before it. */
  readonly structured: Buffer
  /** The same within a JSON string. */
  readonly quoted: Buffer
  readonly bytes: number
}

export function payloadOf(structuredContent: Record<string, unknown>): Payload {
  const text = JSON.stringify(structuredContent)
  const structured = Buffer.from(text.slice(1))
  const quoted = Buffer.from(JSON.stringify(text).slice(2, -1))
  return { structured, quoted, bytes: structured.length + quoted.length }
}
