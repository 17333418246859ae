import type { FastifyReply, FastifyRequest } from 'fastify'
import type { User } from './directory.ts'
import { inflict } from './fault-kinds.ts'
import type { FaultRule } from './fault-rule.ts'
import type { Endpoint, GrantName } from './stats.ts'

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
