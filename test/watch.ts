import type { TestContext } from 'node:test'
import type { FastifyInstance } from 'fastify'
import { type Env, freePort } from './helper.ts'
import { startReceiver } from './otlp-receiver.ts'
import { scrape } from './scrape.ts'

/** Metrics and traces of a server, for tests on what they must not hold: `env` switches them on. */
export async function watch(t: Pick<TestContext, 'after'>) {
  const receiver = await startReceiver(t)
  const port = String(await freePort())
  const env: Env = { METRICS_PORT: port, OTEL_EXPORTER_OTLP_ENDPOINT: receiver.origin }
  return {
    env,
    /** Ends the server, and gives the last scrape, then every span, then what was sent of them, byte by byte. */
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
