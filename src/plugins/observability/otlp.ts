import { hostname } from 'node:os'
import {
  type Attributes,
  type Context,
  type Tracer as OtelTracer,
  ROOT_CONTEXT,
  type Span,
  type SpanContext,
  SpanKind,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api'
import { type ExportResult, ExportResultCode, parseTraceParent } from '@opentelemetry/core'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto'
import { resourceFromAttributes } from '@opentelemetry/resources'
import {
  BatchSpanProcessor,
  ParentBasedSampler,
  type ReadableSpan,
  type Sampler,
  SamplingDecision,
  type SpanExporter,
  TracerProvider,
} from '@opentelemetry/sdk-trace'
import type { TracesConfig } from '../../config/traces.ts'
import type { Arrival, ServerSpan, SpanAttributes, Tracer, TraceSpan } from './spans.ts'

/** What is left to send when the server stops has this long. */
const flushMs = 2_000
/** A `traceparent` has 55 characters; those of versions to come may have some more. */
const longestTraceParent = 200

/** @param onCollector called when the collector goes, with why, and when it is back */
export function createTracer(
  { endpoint, headers, serviceName, exportEveryMs, exportTimeoutMs, ...sampling }: TracesConfig,
  onCollector: (why: string | undefined) => void,
): Tracer {
  const exporter = new OTLPTraceExporter({ url: `${endpoint}/v1/traces`, headers, timeoutMillis: exportTimeoutMs })
  const provider = new TracerProvider({
    resource: resourceFromAttributes({ 'service.name': serviceName, 'host.name': hostname() }),
    sampler: createSampler(sampling),
    spanLimits: { attributeValueLengthLimit: 256 },
    spanProcessors: [
      new BatchSpanProcessor({
        exporter: watched(exporter, onCollector),
        scheduledDelayMillis: exportEveryMs,
        exportTimeoutMillis: exportTimeoutMs,
      }),
    ],
  })
  const tracer = provider.getTracer('mcp-message-center-server')

  return {
    isTraceParent: (text) => contextOf(text) !== undefined,
    server({ parent, link, startMs }: Arrival): ServerSpan {
      const parentContext = contextOf(parent)
      const linked = contextOf(link)
      const context =
        parentContext === undefined
          ? ROOT_CONTEXT
          : trace.setSpanContext(ROOT_CONTEXT, { ...parentContext, isRemote: true })
      const options = {
        kind: SpanKind.SERVER,
        startTime: startMs,
        ...(linked !== undefined && { links: [{ context: linked }] }),
      }
      return new OtelSpan(tracer, tracer.startSpan('request', options, context))
    },
    async close() {
      let timer: NodeJS.Timeout | undefined
      const enough = new Promise<void>((resolve) => {
        timer = setTimeout(resolve, flushMs)
      })
      // A collector that is away is known of by now, and no reason not to stop.
      await Promise.race([provider.shutdown().catch(() => {}), enough])
      clearTimeout(timer)
    },
  }
}

/**
 * Which requests are recorded. By chance and not by the trace id, which a client chooses; its `sampled` flag costs the
 * operator, so that it counts where they say so (W3C Trace Context, section 5.1, "Privacy and security of the
 * traceparent header"). What a client does not want recorded is not.
 */
function createSampler({ sampledShare, trustsClients }: Pick<TracesConfig, 'sampledShare' | 'trustsClients'>): Sampler {
  const byChance: Sampler = {
    shouldSample: () => ({
      decision: Math.random() < sampledShare ? SamplingDecision.RECORD_AND_SAMPLED : SamplingDecision.NOT_RECORD,
    }),
  }
  return new ParentBasedSampler({ root: byChance, ...(!trustsClients && { remoteParentSampled: byChance }) })
}

/** Only what W3C Trace Context allows; `tracestate` and `baggage` are not read, so that nothing in them goes anywhere. */
function contextOf(traceParent: unknown): SpanContext | undefined {
  if (typeof traceParent !== 'string' || traceParent.length > longestTraceParent) return undefined
  return parseTraceParent(traceParent) ?? undefined
}

class OtelSpan implements ServerSpan {
  readonly #tracer: OtelTracer
  readonly #span: Span
  readonly #context: Context
  readonly traceId: string
  readonly headers: Readonly<Record<string, string>>

  constructor(tracer: OtelTracer, span: Span) {
    const { traceId, spanId, traceFlags } = span.spanContext()
    this.#tracer = tracer
    this.#span = span
    this.#context = trace.setSpan(ROOT_CONTEXT, span)
    this.traceId = traceId
    this.headers = { traceparent: `00-${traceId}-${spanId}-0${traceFlags & 1}` }
  }

  call(name: string, attributes: SpanAttributes): TraceSpan {
    const options = { kind: SpanKind.CLIENT, attributes: attributes as Attributes }
    return new OtelSpan(this.#tracer, this.#tracer.startSpan(name, options, this.#context))
  }

  rename(name: string) {
    this.#span.updateName(name)
  }

  end(attributes: SpanAttributes = {}, error?: string) {
    this.#span.setAttributes(attributes as Attributes)
    if (error !== undefined) this.#span.setAttribute('error.type', error).setStatus({ code: SpanStatusCode.ERROR })
    this.#span.end()
  }
}

/** The exporter, with an eye on whether the collector takes what it is sent. */
function watched(exporter: SpanExporter, onCollector: (why: string | undefined) => void): SpanExporter {
  let isDown = false
  function note({ code, error }: ExportResult) {
    const failed = code !== ExportResultCode.SUCCESS
    if (failed === isDown) return
    isDown = failed
    onCollector(failed ? (error?.message ?? 'no reason given').slice(0, 200) : undefined)
  }
  return {
    export(spans: ReadableSpan[], done: (result: ExportResult) => void) {
      exporter.export(spans, (result) => {
        note(result)
        done(result)
      })
    },
    shutdown: () => exporter.shutdown(),
    forceFlush: async () => exporter.forceFlush?.(),
  }
}
