import type { FastifyPluginAsync } from 'fastify'
import { createRoadmap } from './graph/corpus/roadmap.ts'

/** The path of the feed below `https://www.microsoft.com`. */
export const roadmapPath = '/releasecommunications/api/v2/m365'

/**
 * Microsoft's public roadmap, with the items that posts of the corpus name. Public code asks it by `$filter=id in (…)`;
 * Microsoft documents nothing of it. It needs no token, and rejects one, which the real feed ignores: nobody may send any.
 *
 * @param startedAt epoch milliseconds, which the items' months are relative to
 */
export const roadmapRoutes: FastifyPluginAsync<{ startedAt: number }> = async (app, { startedAt }) => {
  app.get<{ Querystring: { $filter?: string } }>(roadmapPath, (request, reply) => {
    const { authorization, cookie } = request.headers
    if (authorization !== undefined || cookie !== undefined) return reply.code(400).send({ error: 'no credentials' })
    const { $filter: filter } = request.query
    const ids = filter === undefined ? undefined : /^id in \((\d{1,9}(?:, ?\d{1,9})*)\)$/.exec(filter)?.[1]?.split(',')
    if (filter !== undefined && ids === undefined) return reply.code(400).send({ error: { code: 'BadRequest' } })
    const wanted = ids === undefined ? undefined : new Set(ids.map(Number))
    return {
      '@odata.context': 'https://www.microsoft.com/releasecommunications/api/v2/$metadata#M365',
      value: createRoadmap(startedAt).filter(({ id }) => wanted?.has(id) ?? true),
    }
  })
}
