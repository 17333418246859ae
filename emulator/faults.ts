import type { FastifyReply, FastifyRequest } from 'fastify'
import { type Static, Type } from 'typebox'
import type { User } from './directory.ts'
import type { GrantName } from './entra/token.ts'
import { inflict } from './fault-kinds.ts'
import type { Endpoint } from './stats.ts'

/** Something that goes wrong at an endpoint, until it is cleared or used up. */
export const FaultRule = Type.Object(
  {
    target: Type.Enum(['keys', 'discovery', 'authorize', 'token', 'devicecode', 'graph', 'identity']),
    kind: Type.Enum([
      'status',
      'delay',
      'hang',
      'reset',
      'html',
      'truncated',
      'empty-object',
      'wrong-types',
      'huge',
      'endless',
      'gzip-bomb',
      'redirect',
      'aadsts',
      'graph-error',
    ]),
    status: Type.Optional(Type.Integer({ minimum: 200, maximum: 599 })),
    /** An AADSTS number, or one of Graph's error codes. */
    code: Type.Optional(Type.Union([Type.Integer({ minimum: 1 }), Type.String({ minLength: 1 })])),
    /** Seconds, or an HTTP date (RFC 9110 §10.2.3). */
    retryAfter: Type.Optional(Type.Union([Type.Integer({ minimum: 0 }), Type.String({ minLength: 1 })])),
    /** Waits so long before anything else; any kind may have it. */
    delayMs: Type.Optional(Type.Integer({ minimum: 0 })),
    /** How often it strikes before it goes away; for ever where absent. */
    times: Type.Optional(Type.Integer({ minimum: 1 })),
    /** Only calls by this HTTP method. */
    method: Type.Optional(Type.Enum(['GET', 'POST', 'PATCH', 'DELETE'])),
    /** Only this user's calls to Graph and grants: an object id or user principal name. */
    user: Type.Optional(Type.String({ minLength: 1 })),
    grant: Type.Optional(
      Type.Enum(['authorization_code', 'refresh_token', 'on_behalf_of', 'client_credentials', 'device_code']),
    ),
    body: Type.Optional(Type.Unknown()),
    location: Type.Optional(Type.String({ minLength: 1 })),
    /** The claims request of an AADSTS error, as JSON text. */
    claims: Type.Optional(Type.String({ minLength: 1 })),
    /** Replaces the one that goes with the AADSTS number; `null` leaves it out. */
    suberror: Type.Optional(Type.Union([Type.String({ minLength: 1 }), Type.Null()])),
  },
  { additionalProperties: false },
)
export type FaultRule = Static<typeof FaultRule>

/** Where a request has come to: before its user is known, and again once it is. */
export interface Occasion {
  target: Endpoint
  grant?: GrantName
  user?: Pick<User, 'id' | 'userPrincipalName'>
}

export type Faults = ReturnType<typeof createFaults>

/** The rules in force. Delays add up and then let the first other kind strike. */
export function createFaults(now: () => number) {
  let rules: { rule: FaultRule; left: number }[] = []

  function take(occasion: Occasion, method: string): FaultRule[] {
    const taken: FaultRule[] = []
    for (const entry of rules) {
      if (!applies(entry.rule, occasion, method)) continue
      entry.left -= 1
      taken.push(entry.rule)
      if (entry.rule.kind !== 'delay') break
    }
    if (taken.length > 0) rules = rules.filter(({ left }) => left > 0)
    return taken
  }

  return {
    get rules(): readonly FaultRule[] {
      return rules.map(({ rule }) => rule)
    },
    add(...added: FaultRule[]): void {
      rules = [...rules, ...added.map((rule) => ({ rule, left: rule.times ?? Number.POSITIVE_INFINITY }))]
    },
    clear(): void {
      rules = []
    },
    /** Lets the matching rules strike; true where one of them has taken the answer over. */
    async strike(request: FastifyRequest, reply: FastifyReply, occasion: Occasion): Promise<boolean> {
      if (rules.length === 0) return false
      for (const rule of take(occasion, request.method)) {
        if (await inflict(rule, request, reply, now())) return true
      }
      return false
    },
  }
}

function applies(rule: FaultRule, { target, grant, user }: Occasion, method: string): boolean {
  if (rule.target !== target || (rule.method ?? method) !== method) return false
  if (rule.grant !== undefined && rule.grant !== grant) return false
  // A rule without a user had its turn before the user was known.
  if (rule.user === undefined || user === undefined) return rule.user === undefined && user === undefined
  return [user.id, user.userPrincipalName].includes(rule.user.toLowerCase())
}
