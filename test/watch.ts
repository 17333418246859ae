import type { TestContext } from 'node:test'
import type { FastifyInstance } from 'fastify'
import { type Env, freePort } from './helper.ts'
import { startReceiver } from './otlp-receiver.ts'
import { scrape } from './scrape.ts'

/** Collects metrics and traces of a server, for tests that they hold no secret; `env` enables them. */
export async function watch(t: Pick<TestContext, 'after'>) {
  const receiver = await startReceiver(t)
  const port = String(await freePort())
  const env: Env = { METRICS_PORT: port, OTEL_EXPORTER_OTLP_ENDPOINT: receiver.origin }
  return {
    env,
    /** Closes the server. @returns the last scrape, every span, and the raw bytes of the exports */
    async seen(app: FastifyInstance): Promise<readonly string[]> {
      const { text } = await scrape(port)
      await app.close()
      const spans = receiver.spans.map((span) =>
        JSON.stringify(span, (_key, value) => (typeof value === 'bigint' ? String(value) : value)),
      )
      return [text, ...spans, ...receiver.posts.map(({ bytes }) => bytes.toString('latin1'))]
    },
  }
}
