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
