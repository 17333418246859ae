import { hostname } from 'node:os'
import {
  type Attributes,
  type Context,
  defaultTextMapGetter,
  defaultTextMapSetter,
  type Tracer as OtelTracer,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api'
import { ExportResultCode, W3CTraceContextPropagator } from '@opentelemetry/core'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto'
import { resourceFromAttributes } from '@opentelemetry/resources'
import {
  BatchSpanProcessor,
  ParentBasedSampler,
  type Sampler,
  SamplingDecision,
  type SpanExporter,
  TracerProvider,
} from '@opentelemetry/sdk-trace'
import type { TracesConfig } from '../../config/traces.ts'
import { beforeDeadline } from '../../lib/deadline.ts'

/** For the last spans when the server stops. */
const flushMs = 2_000
/** A `traceparent` has 55 characters; those of versions to come may have some more. */
const longestTraceParent = 200

/** A request, or a call to another service that it makes. */
export interface TraceSpan {
  readonly traceId: string
  /** `traceparent` for calls within this span (W3C Trace Context, section 3.2). */
  readonly headers: Readonly<Record<string, string>>
  /**
   * Begins a call to another service.
   *
   * @param attributes by OpenTelemetry's semantic conventions; never a token or a user's own text
   */
  call(name: string, attributes: Attributes): TraceSpan
  /** For a request, whose method is not known when its span begins. */
  rename(name: string): void
  /** @param error why it failed, if it did: one of few codes */
  end(attributes?: Attributes, error?: string): void
}

export type Tracer = ReturnType<typeof createTracer>

/**
 * Records spans of the sampled requests, and sends them to a collector by OTLP.
 *
 * @param onCollector called with the error when the collector fails, and with undefined when it works again
 */
export function createTracer(
  { endpoint, headers, serviceName, exportEveryMs, exportTimeoutMs, ...sampling }: TracesConfig,
  onCollector: (why: string | undefined) => void,
) {
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
    isTraceParent: (text: unknown) => contextOf(text) !== ROOT_CONTEXT,
    /**
     * Begins the span of a request.
     *
     * @param parent `traceparent` as the client sent it; an invalid one starts a new trace
     * @param link another `traceparent` that is related
     * @param startMs milliseconds since the epoch
     */
    server(parent: unknown, link: unknown, startMs: number): TraceSpan {
      const linked = trace.getSpanContext(contextOf(link))
      const links = linked === undefined ? [] : [{ context: linked }]
      const options = { kind: SpanKind.SERVER, startTime: startMs, links }
      return toTraceSpan(tracer, tracer.startSpan('request', options, contextOf(parent)))
    },
    /** Sends the rest, within a timeout. Never rejects: an unavailable collector is logged already. */
    async close(): Promise<void> {
      const late = () => new Error('the last spans were not sent in time')
      await beforeDeadline(provider.shutdown(), { leftMs: flushMs }, late).catch(() => {})
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

const propagator = new W3CTraceContextPropagator()

/** Only a valid `traceparent`; `tracestate` and `baggage` are not read, so that nothing in them is forwarded. */
function contextOf(traceparent: unknown): Context {
  if (typeof traceparent !== 'string' || traceparent.length > longestTraceParent) return ROOT_CONTEXT
  return propagator.extract(ROOT_CONTEXT, { traceparent }, defaultTextMapGetter)
}

function toTraceSpan(tracer: OtelTracer, span: Span): TraceSpan {
  const headers: Record<string, string> = {}
  propagator.inject(trace.setSpan(ROOT_CONTEXT, span), headers, defaultTextMapSetter)
  return {
    traceId: span.spanContext().traceId,
    headers,
    call(name, attributes) {
      const options = { kind: SpanKind.CLIENT, attributes }
      return toTraceSpan(tracer, tracer.startSpan(name, options, trace.setSpan(ROOT_CONTEXT, span)))
    },
    rename(name) {
      span.updateName(name)
    },
    end(attributes = {}, error) {
      span.setAttributes(attributes)
      if (error !== undefined) span.setAttribute('error.type', error).setStatus({ code: SpanStatusCode.ERROR })
      span.end()
    },
  }
}

/** The exporter, which reports when the collector fails and recovers. */
function watched(exporter: SpanExporter, onCollector: (why: string | undefined) => void): SpanExporter {
  let isDown = false
  return {
    export(spans, done) {
      exporter.export(spans, (result) => {
        const failed = result.code !== ExportResultCode.SUCCESS
        if (failed !== isDown)
          onCollector(failed ? (result.error?.message ?? 'no reason given').slice(0, 200) : undefined)
        isDown = failed
        done(result)
      })
    },
    shutdown: () => exporter.shutdown(),
    forceFlush: async () => exporter.forceFlush?.(),
  }
}
