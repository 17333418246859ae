import fp from 'fastify-plugin'
import type { Configured } from '../../config/index.ts'
import { createBoundedClient } from '../../lib/bounded-client.ts'
import { createFeed } from './feed.ts'
import { createRoadmap, type Roadmap } from './roadmap.ts'

/** Fifty items are some 100 KB. */
const roadmapLimits = { maxBodyBytes: 2 * 1024 * 1024, connections: 4 }

declare module 'fastify' {
  interface FastifyInstance {
    roadmap: Roadmap
  }
}

/** Microsoft's public roadmap, by id. */
export const roadmap = fp<Configured>(
  async (app, { config: { roadmapUrl: url, timeouts } }) => {
    const http = createBoundedClient({ ...roadmapLimits, ...timeouts.roadmap })
    const readItems = createFeed({ url, http, audit: app.audit, deadlineMs: timeouts.roadmap.deadlineMs })
    app.decorate('roadmap', createRoadmap({ readItems }))
    app.addHook('onClose', () => http.close())
  },
  { name: 'roadmap', dependencies: ['observability'] },
)
