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

/** For the last spans when the server stops. */
const flushMs = 2_000
/** A `traceparent` has 55 characters; those of versions to come may have some more. */
const longestTraceParent = 200

/** @param onCollector called with the error when the collector fails, and with undefined when it works again */
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
      const timeout = new Promise<void>((resolve) => {
        timer = setTimeout(resolve, flushMs)
      })
      // An unavailable collector is logged already, and does not keep the server from stopping.
      await Promise.race([provider.shutdown().catch(() => {}), timeout])
      clearTimeout(timer)
    },
  }
}

/**
 * Which requests are recorded: by chance and not by the trace id, which a client chooses. A client's `sampled` flag costs
 * the operator, and counts only where configured (W3C Trace Context, section 5.1, "Privacy and security of the traceparent
 * header"). A client's flag not to record always counts.
 */
function createSampler({ sampledShare, trustsClients }: Pick<TracesConfig, 'sampledShare' | 'trustsClients'>): Sampler {
  const byChance: Sampler = {
    shouldSample: () => ({
      decision: Math.random() < sampledShare ? SamplingDecision.RECORD_AND_SAMPLED : SamplingDecision.NOT_RECORD,
    }),
  }
  return new ParentBasedSampler({ root: byChance, ...(!trustsClients && { remoteParentSampled: byChance }) })
}

/** Only a valid `traceparent`; `tracestate` and `baggage` are not read, so that nothing in them is forwarded. */
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

/** The exporter, which reports when the collector fails and recovers. */
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
