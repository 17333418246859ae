import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { TestContext } from 'node:test'

export interface ReceivedSpan {
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId: string
  readonly name: string
  /** 1 internal, 2 server, 3 client. */
  readonly kind: number
  readonly startNs: bigint
  readonly endNs: bigint
  readonly attributes: Readonly<Record<string, unknown>>
  readonly links: readonly { readonly traceId: string; readonly spanId: string }[]
  /** 0 unset, 2 error. */
  readonly status: number
}

export interface Receiver {
  readonly origin: string
  readonly spans: ReceivedSpan[]
  readonly resources: Readonly<Record<string, unknown>>[]
  readonly posts: { readonly url: string | undefined; readonly headers: IncomingHttpHeaders; readonly bytes: Buffer }[]
  /** The status of the next responses, or none. */
  response: number | 'hang'
  close(): Promise<void>
}

/** A collector on loopback that decodes binary OTLP over HTTP from the real exporter. */
export async function startReceiver(t: Pick<TestContext, 'after'>, port = 0): Promise<Receiver> {
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk) => chunks.push(chunk))
    request.on('end', () => {
      const bytes = Buffer.concat(chunks)
      receiver.posts.push({ url: request.url, headers: request.headers, bytes })
      if (receiver.response === 'hang') return
      if (receiver.response === 200) take(bytes)
      response.writeHead(receiver.response, { 'content-type': 'application/x-protobuf' }).end()
    })
  })
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  const address = server.address()
  const origin = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`
  const close = async () => {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  }
  t.after(close)
  const receiver: Receiver = { origin, spans: [], resources: [], posts: [], response: 200, close }
  return receiver

  function take(bytes: Buffer) {
    for (const resourceSpans of messages(decode(bytes), 1)) {
      receiver.resources.push(...messages(resourceSpans, 1).map((resource) => attributesOf(resource, 1)))
      for (const scope of messages(resourceSpans, 2)) receiver.spans.push(...messages(scope, 2).map(spanOf))
    }
  }
}

/** opentelemetry-proto, trace/v1/trace.proto. */
function spanOf(span: Fields): ReceivedSpan {
  return {
    traceId: hex(span, 1),
    spanId: hex(span, 2),
    parentSpanId: hex(span, 4),
    name: text(span, 5),
    kind: Number(first(span, 6) ?? 0),
    startNs: BigInt(first(span, 7) as bigint),
    endNs: BigInt(first(span, 8) as bigint),
    attributes: attributesOf(span, 9),
    links: messages(span, 13).map((link) => ({ traceId: hex(link, 1), spanId: hex(link, 2) })),
    status: messages(span, 15).map((status) => Number(first(status, 3) ?? 0))[0] ?? 0,
  }
}

function attributesOf(fields: Fields, field: number): Record<string, unknown> {
  return Object.fromEntries(
    messages(fields, field).map((pair) => [text(pair, 1), messages(pair, 2).map(anyValue)[0]] as const),
  )
}

/** opentelemetry-proto, common/v1/common.proto: AnyValue. */
function anyValue(value: Fields): unknown {
  if (value.has(1)) return text(value, 1)
  if (value.has(3)) return Number(first(value, 3))
  return messages(value, 5).flatMap((array) => messages(array, 1).map(anyValue))
}

/** A protobuf message: the values of each field, in order. */
type Fields = ReadonlyMap<number, (bigint | Buffer)[]>

/** Protocol Buffers, "Encoding": varints, fixed-size and length-delimited values. */
function decode(bytes: Buffer): Fields {
  const fields = new Map<number, (bigint | Buffer)[]>()
  let at = 0
  function varint(): bigint {
    let value = 0n
    for (let shift = 0n; ; shift += 7n) {
      const byte = bytes.readUInt8(at++)
      value |= BigInt(byte & 0x7f) << shift
      if (byte < 0x80) return value
    }
  }
  function take(length: number): Buffer {
    at += length
    return bytes.subarray(at - length, at)
  }
  while (at < bytes.length) {
    const tag = Number(varint())
    const kind = tag & 7
    const value =
      kind === 0 ? varint() : kind === 1 ? take(8).readBigUInt64LE() : take(kind === 2 ? Number(varint()) : 4)
    fields.set(tag >> 3, [...(fields.get(tag >> 3) ?? []), value])
  }
  return fields
}

function first(fields: Fields, field: number): bigint | Buffer | undefined {
  return fields.get(field)?.[0]
}
function messages(fields: Fields, field: number): Fields[] {
  return (fields.get(field) ?? []).map((value) => decode(value as Buffer))
}
function hex(fields: Fields, field: number): string {
  return ((first(fields, field) as Buffer | undefined) ?? Buffer.alloc(0)).toString('hex')
}
function text(fields: Fields, field: number): string {
  return String(first(fields, field) ?? '')
}
