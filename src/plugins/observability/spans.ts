/** Attributes by OpenTelemetry's semantic conventions; never a token or a user's own text. */
export type SpanAttributes = Readonly<Record<string, string | number | readonly string[] | undefined>>

/** A part of a traced call. */
export interface TraceSpan {
  readonly traceId: string
  /** `traceparent` for calls within this span (W3C Trace Context, section 3.2). */
  readonly headers: Readonly<Record<string, string>>
  /** Begins a call to another service. */
  call(name: string, attributes: SpanAttributes): TraceSpan
  /** @param error why it failed, if it did: one of few codes */
  end(attributes?: SpanAttributes, error?: string): void
}

/** A request as a whole, named once its method is known. */
export interface ServerSpan extends TraceSpan {
  rename(name: string): void
}

export interface Arrival {
  /** `traceparent` as the client sent it; an invalid one starts a new trace. */
  readonly parent: unknown
  /** Another `traceparent` that is related. */
  readonly link?: unknown
  /** Milliseconds since the epoch. */
  readonly startMs: number
}

export interface Tracer {
  isTraceParent(text: unknown): boolean
  server(arrival: Arrival): ServerSpan
  /** Sends the rest, within a timeout. Never rejects. */
  close(): Promise<void>
}
