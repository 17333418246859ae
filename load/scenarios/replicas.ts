import { setTimeout as sleep } from 'node:timers/promises'
import type { FaultRule } from '../../emulator/fault-rule.ts'
import type { Measurement } from '../call-records.ts'
import { getMessages, roundRobin } from '../calls.ts'
import { startFleet } from '../fleet.ts'
import { failuresAtMost, judgeFrom, noFailures, p99Within } from '../rules.ts'
import { defineScenario } from '../scenario.ts'
import type { Tenant } from '../tenant.ts'
import type { LoadUser } from '../users.ts'

const replicas = 3
const entraEndpoints = ['token', 'keys', 'discovery'] as const
const entraDownMs = 2_000
/** One call of so many is of a new user. */
const newUserEvery = 10
/** Into a phase, its fault happens; until then it is like the one before. */
const faultAfterMs = 500
/** One, and some for a Redis that did not respond in time on a machine that is busy with the load as well. */
const mostExchangesPerUser = 1.1
/** Of fewer users, a few more exchanges are a large share. */
const fewestUsers = 100
/** Calls that were at a replica when it was killed, and those that nginx had sent to it, have no response. */
const mostLostToKill = 0.02
/** What a fault may cost a call, on a machine that is busy with the load as well. */
const allowanceMs = 1_000

interface Phase {
  readonly users: readonly LoadUser[]
  /** So many calls, instead of so many seconds. */
  readonly calls: number
  readonly fault: () => Promise<unknown>
  readonly undo: () => Promise<unknown>
  readonly onRetry: () => void
}

/** Three replicas under a load that goes on, with one fault after the other, each undone after its phase. */
export const replicasScenario = defineScenario({
  name: 'replicas',
  description: `open model: ${replicas} replicas behind nginx with a shared Redis; a replica, Redis, Entra and keys fail one after another`,
  needs: 'processes',
  // No user shares a post with another here: a replica has room for the Message Centers of so many.
  defaults: { users: 100, rate: 100, seconds: 10 },
  async run(harness, { users: count, rate, seconds }) {
    const tenant = await harness.tenant()
    const users = await harness.users(count)
    const fleet = await startFleet(await harness.serverOptions(), replicas)
    harness.onClose(fleet.stop)
    const { target, redis } = fleet

    const measurements: Measurement[] = []
    /** One phase, with the token exchanges that it took among its figures. */
    async function run(name: string, phase: Partial<Phase> = {}) {
      const { users: callers = users, calls = rate * seconds, fault, undo, onRetry } = phase
      await tenant.resetStats()
      const faulty = fault && sleep(faultAfterMs).then(fault)
      // Its error is thrown below, once the phase has ended.
      faulty?.catch(() => {})
      const next = roundRobin(callers, () => getMessages())
      const load = { name, target, next, perSecond: rate, seconds: calls / rate, ...(onRetry && { onRetry }) }
      const measurement = await harness.open(load).finally(() => faulty?.finally(undo))
      const withExchanges = { ...measurement, figures: { exchanges: (await tenant.stats()).grants.on_behalf_of } }
      measurements.push(withExchanges)
      return withExchanges
    }
    /** Known users with new ones among them, for whom the token exchange is needed. */
    const withNewUsers = async () => mix(users, await harness.newUsers(Math.ceil((rate * seconds) / newUserEvery)))

    const atEntra = (rule: Omit<FaultRule, 'target'>) =>
      tenant.addFaults(...entraEndpoints.map((endpoint) => ({ ...rule, target: endpoint })))

    const first = await run('everybody’s first call', { calls: users.length })
    const further = await run('everybody’s next calls', { users: spread(users, [1, 2]), calls: 2 * users.length })
    const usual = await run('as usual')
    const killed = await run('a replica is killed', { fault: () => fleet.kill(0), undo: () => fleet.revive(0) })
    const faults: Measurement[] = [
      await run('Redis is killed', { users: await withNewUsers(), fault: redis.kill, undo: redis.revive }),
      await run('Redis is frozen', { users: await withNewUsers(), fault: redis.freeze, undo: redis.thaw }),
      await run('Redis is full', { users: await withNewUsers(), fault: redis.fill, undo: redis.empty }),
    ]
    // The replica that was killed knows nobody, and the Redis that was killed nothing.
    await run('everybody at every replica', { users: spread(users, [0, 1, 2]), calls: replicas * users.length })
    faults.push(
      await run('Entra breaks connections', {
        users: await withNewUsers(),
        fault: () => breakConnections(tenant, seconds - (2 * faultAfterMs) / 1_000),
        undo: tenant.clearFaults,
      }),
      await run('Entra responds with 503', {
        fault: () => atEntra({ kind: 'status', status: 503, retryAfter: 1 }),
        undo: tenant.clearFaults,
      }),
    )
    let retries = 0
    await run('Entra is down, and up again', {
      users: await withNewUsers(),
      // Undone by itself: the calls of this phase are tried again until they are served.
      fault: async () => {
        await atEntra({ kind: 'reset' })
        await sleep(entraDownMs)
        await tenant.clearFaults()
      },
      onRetry: () => void retries++,
    })
    await tenant.rotateKeys()
    const renewed = await tenant.mint(users.length)
    await run('keys are rotated, tokens are new', { users: renewed, calls: users.length })
    await run('as usual again', { users: renewed })

    const exchanges = first.figures.exchanges + further.figures.exchanges
    const exchangedOnce = {
      description: `a user’s token is exchanged once for ${replicas} replicas: at most ${mostExchangesPerUser} times on average`,
      passed: exchanges >= users.length && exchanges <= mostExchangesPerUser * users.length,
      observed: `${exchanges} exchanges for ${users.length} users`,
    }
    return {
      measurements,
      figures: [
        { name: 'exchanges a user, of three calls each', value: exchanges / users.length },
        { name: 'retries after a rejection for now, while Entra was down', value: retries },
      ],
      rules: [
        noFailures(...measurements.filter((one) => one !== killed)),
        failuresAtMost(mostLostToKill, killed.name, killed),
        judgeFrom(fewestUsers, users.length, exchangedOnce),
        ...faults.map((one) => p99Within(usual.latencyMs.p99 + allowanceMs, one, usual)),
      ],
      isSequence: true,
    }
  },
})

/** The same users again and again, in such an order that round robin brings each to another replica each time. */
function spread(users: readonly LoadUser[], rounds: readonly number[]): LoadUser[] {
  return rounds.flatMap((round) => {
    const shift = (round * (users.length - 1)) % replicas
    return [...users.slice(shift), ...users.slice(0, shift)]
  })
}

/** Breaks a connection to Entra's token endpoint once a second. */
async function breakConnections(tenant: Tenant, seconds: number): Promise<void> {
  for (let second = 0; second < seconds; second++) {
    await tenant.addFaults({ target: 'token', kind: 'reset', times: 1 })
    await sleep(1_000)
  }
}

/** Known users, with a new one in every so-manieth place. */
function mix(users: readonly LoadUser[], newUsers: readonly LoadUser[]): LoadUser[] {
  return newUsers.flatMap((newUser, index) => {
    const places = Array.from({ length: newUserEvery - 1 }, (_, place) => index * newUserEvery + place)
    return [...places.flatMap((place) => users[place % users.length] ?? []), newUser]
  })
}
