/** What a span says of itself: names of OpenTelemetry's semantic conventions, and never a token or a user's own text. */
export type SpanAttributes = Readonly<Record<string, string | number | readonly string[] | undefined>>

/** A part of a traced call. Whoever holds none is in a call that nobody traces. */
export interface TraceSpan {
  readonly traceId: string
  /** What carries the trace to whoever is called within this span: `traceparent` (W3C Trace Context, section 3.2). */
  readonly headers: Readonly<Record<string, string>>
  /** Begins a call to another service. */
  call(name: string, attributes: SpanAttributes): TraceSpan
  /** @param error why it failed, where it did: one of few words */
  end(attributes?: SpanAttributes, error?: string): void
}

/** A request as a whole, which has its name once it is known what it asks for. */
export interface ServerSpan extends TraceSpan {
  rename(name: string): void
}

export interface Arrival {
  /** `traceparent` as the client sent it; what is none begins a trace of its own. */
  readonly parent: unknown
  /** Another `traceparent` that has to do with it. */
  readonly link?: unknown
  /** Milliseconds since the epoch. */
  readonly startMs: number
}

export interface Tracer {
  isTraceParent(text: unknown): boolean
  server(arrival: Arrival): ServerSpan
  /** Sends what is left, within bounds. Never rejects. */
  close(): Promise<void>
}
