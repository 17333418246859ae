/**
 * What a tool found, as the JSON text that goes out: an object's, set into an answer as it is.
 *
 * A page of messages is long, and writing it is most of what an answer costs. One that is answered with once stays a
 * string, which V8 frees as it does all that is young; one that is kept becomes bytes, which are never encoded again.
 */
export interface Payload<Text extends string | Buffer = string> {
  /** The object without its first brace, so that something can be said before it. */
  readonly structured: Text
  /** The same within a JSON string. */
  readonly quoted: Text
}

export function payloadOf(structuredContent: Record<string, unknown>): Payload {
  const text = JSON.stringify(structuredContent)
  return { structured: text.slice(1), quoted: quoted(text.slice(1)) }
}

/**
 * JSON text as it stands within a JSON string: of what a string has to escape, it has quotes and backslashes alone
 * (RFC 8259 section 7). So it takes a third of what writing it as any string does.
 */
function quoted(json: string): string {
  return json.replaceAll('\\', '\\\\').replaceAll('"', '\\"')
}

/** In UTF-8. */
export function byteLengthOf({ structured, quoted }: Payload): number {
  return Buffer.byteLength(structured) + Buffer.byteLength(quoted)
}

export function toBytes({ structured, quoted }: Payload): Payload<Buffer> {
  return { structured: Buffer.from(structured), quoted: Buffer.from(quoted) }
}
