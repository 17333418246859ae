import type { FastifyInstance } from 'fastify'
import type { Configured } from '../config/index.ts'
import { Failure } from '../errors/index.ts'
import { isForPerson } from '../lib/is-for-person.ts'
import type { Tool } from '../plugins/mcp/tool.ts'
import { problemsOf } from './health.ts'
import { homePage } from './home-page.ts'

interface HomeOptions extends Configured {
  /** Those that are switched on. */
  readonly tools: readonly Tool[]
}

/** The page for people at the root. Public, and but for readiness the same for every request; programs get a 404. */
export async function homeRoutes(app: FastifyInstance, { config, tools }: HomeOptions) {
  const ready = homePage({ config, tools, isReady: true })
  const notReady = homePage({ config, tools, isReady: false })

  app.get('/', (request, reply) => {
    if (!isForPerson(request)) throw new Failure('not_found')
    const { html, contentSecurityPolicy } = problemsOf(app).length === 0 ? ready : notReady
    return reply
      .headers({ 'content-security-policy': contentSecurityPolicy, 'cache-control': 'no-store' })
      .type('text/html; charset=utf-8')
      .send(html)
  })
}
