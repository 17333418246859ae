import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import type { Authority } from './entra/authority.ts'
import { FaultRule } from './fault-rule.ts'
import { type Mint, MintOptions } from './mint.ts'
import { applyTenantPatch, TenantPatch } from './tenant-patch.ts'

// Signing is CPU work: 50,000 tokens keep one core busy for about half a minute.
const MAX_TOKENS = 50_000
const BATCH_SIZE = 64

const TokensRequest = Type.Object(
  { ...MintOptions.properties, count: Type.Optional(Type.Integer({ minimum: 1, maximum: MAX_TOKENS })) },
  { additionalProperties: false },
)

/** The emulator's controls over HTTP. */
export const controlRoutes: FastifyPluginAsyncTypebox<{ authority: Authority; mint: Mint }> = async (app, options) => {
  const { authority, mint } = options
  const { tenant, faults, keys, stats } = authority

  app.setErrorHandler((error: Error & { statusCode?: number }, _request, reply) =>
    reply.code(error instanceof RangeError ? 400 : (error.statusCode ?? 500)).send({ message: error.message }),
  )

  app.get('/stats', async () => stats.snapshot())

  app.delete('/stats', async (_request, reply) => {
    stats.reset()
    return reply.code(204).send()
  })

  app.post('/faults', { schema: { body: Type.Union([FaultRule, Type.Array(FaultRule)]) } }, async ({ body }, reply) => {
    faults.add(...(Array.isArray(body) ? body : [body]))
    return reply.code(201).send({ rules: faults.rules })
  })

  app.delete('/faults', async (_request, reply) => {
    faults.clear()
    return reply.code(204).send()
  })

  app.post('/keys/rotate', async (_request, reply) => {
    const { kid } = await keys.rotate()
    return reply.code(201).send({ kid })
  })

  app.delete('/keys/:kid', { schema: { params: Type.Object({ kid: Type.String() }) } }, async ({ params }, reply) => {
    if (keys.retire(params.kid)) return reply.code(204).send()
    return reply.code(409).send({ message: `${params.kid} is not published, or is the last key.` })
  })

  app.post('/tokens', { schema: { body: TokensRequest } }, async ({ body: { count = 1, ...mintOptions } }) => {
    const tokens: string[] = []
    for (let first = 0; first < count; first += BATCH_SIZE) {
      const batch = Array.from({ length: Math.min(BATCH_SIZE, count - first) }, (_, index) =>
        mint({
          ...mintOptions,
          ...(mintOptions.user !== undefined && { user: numbered(mintOptions.user, first + index) }),
        }),
      )
      tokens.push(...(await Promise.all(batch)))
    }
    return { tokens }
  })

  app.get('/users', async () => ({ users: tenant.directory.people }))

  app.patch('/tenant', { schema: { body: TenantPatch } }, async ({ body }) => {
    applyTenantPatch(authority, body)
    const { tenantId, consent, api } = tenant
    return { tenantId, consent, requestedAccessTokenVersion: api.requestedAccessTokenVersion }
  })
}

/** `load-00042` and 3 more is `load-00045`; a name without a number stays the same user. */
function numbered(user: string, offset: number): string {
  return user.replace(
    /^(load-)(\d+)$/,
    (_, prefix: string, digits: string) => prefix + String(Number(digits) + offset).padStart(digits.length, '0'),
  )
}
