import type { FastifyReply, FastifyRequest } from 'fastify'
import type { User } from './directory.ts'
import { applyFault } from './fault-kinds.ts'
import type { FaultRule } from './fault-rule.ts'
import type { Endpoint, GrantName } from './stats.ts'

/** A request, checked before its user is known and again afterwards. */
export interface FaultContext {
  target: Endpoint
  grant?: GrantName
  user?: Pick<User, 'id' | 'userPrincipalName'>
}

export type Faults = ReturnType<typeof createFaults>

/** The active rules. Delays add up; the first rule of another kind applies. */
export function createFaults(now: () => number) {
  let rules: { rule: FaultRule; left: number }[] = []

  function takeMatching(context: FaultContext, method: string): FaultRule[] {
    const matching: FaultRule[] = []
    for (const entry of rules) {
      if (!matches(entry.rule, context, method)) continue
      entry.left -= 1
      matching.push(entry.rule)
      if (entry.rule.kind !== 'delay') break
    }
    if (matching.length > 0) rules = rules.filter(({ left }) => left > 0)
    return matching
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
    /** Applies the matching rules. @returns whether one of them has handled the request */
    async apply(request: FastifyRequest, reply: FastifyReply, context: FaultContext): Promise<boolean> {
      if (rules.length === 0) return false
      for (const rule of takeMatching(context, request.method)) {
        if (await applyFault(rule, request, reply, now())) return true
      }
      return false
    },
  }
}

function matches(rule: FaultRule, { target, grant, user }: FaultContext, method: string): boolean {
  if (rule.target !== target || (rule.method ?? method) !== method) return false
  if (rule.grant !== undefined && rule.grant !== grant) return false
  // Rules without a user were applied before the user was known.
  if (rule.user === undefined || user === undefined) return rule.user === undefined && user === undefined
  return [user.id, user.userPrincipalName].includes(rule.user.toLowerCase())
}
