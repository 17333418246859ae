/** Of what is longer, every copy counts: it becomes bytes at once, and these are sent as they are. */
const largeLength = 1024 * 1024
const pieceLength = 64 * 1024

/**
 * What a tool found, as the JSON text that goes out: an object's, set into an answer as it is.
 *
 * A page of messages is long, and writing it is most of what an answer costs. One that is answered with once stays a
 * string, which V8 frees as it does all that is young; one that is kept becomes bytes, which are never encoded again.
 */
interface PayloadIn<Text extends string | Buffer> {
  /** The object without its first brace, so that something can be said before it. */
  readonly structured: Text
  /** The same within a JSON string. */
  readonly quoted: Text
}
export type PayloadBytes = PayloadIn<Buffer>
export type Payload = PayloadIn<string> | PayloadBytes

export function payloadOf(structuredContent: Record<string, unknown>): Payload {
  const text = JSON.stringify(structuredContent)
  if (text.length > largeLength) {
    const structured = Buffer.from(text).subarray(1)
    return { structured, quoted: quotedBytes(structured) }
  }
  return { structured: text.slice(1), quoted: quoted(text.slice(1)) }
}

export function isBytes(payload: Payload): payload is PayloadBytes {
  return typeof payload.structured !== 'string'
}

export function isLarge({ structured }: Payload): boolean {
  return structured.length > largeLength
}

/**
 * JSON text as it stands within a JSON string: of what a string has to escape, it has quotes and backslashes alone
 * (RFC 8259 section 7). So it takes a third of what writing it as any string does.
 */
function quoted(json: string): string {
  return json.replaceAll('\\', '\\\\').replaceAll('"', '\\"')
}

/**
 * The same of bytes, a piece at a time: `replaceAll` takes some hundred bytes of heap for each quote that it finds. Each
 * byte is a character meanwhile, which no piece can cut in two; what is sought is ASCII, and so a byte of its own.
 */
function quotedBytes(json: Buffer): Buffer {
  const pieces: Buffer[] = []
  for (let start = 0; start < json.length; start += pieceLength) {
    const piece = json.subarray(start, start + pieceLength).toString('latin1')
    pieces.push(Buffer.from(quoted(piece), 'latin1'))
  }
  return Buffer.concat(pieces)
}

/** In UTF-8. */
export function byteLengthOf({ structured, quoted }: Payload): number {
  return Buffer.byteLength(structured) + Buffer.byteLength(quoted)
}

export function toBytes(payload: Payload): PayloadBytes {
  if (isBytes(payload)) return payload
  return { structured: Buffer.from(payload.structured), quoted: Buffer.from(payload.quoted) }
}
