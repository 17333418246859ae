import { setTimeout as sleep } from 'node:timers/promises'
import { inTurn } from '../calls.ts'
import type { EntraHosts } from '../entra-hosts.ts'
import { startFleet } from '../fleet.ts'
import type { Measurement } from '../ledger.ts'
import type { LoadUser } from '../users.ts'
import { failsAtMost, phase } from './phases.ts'
import { defineScenario, nothingFails } from './scenario.ts'

const replicas = 3
const entraHosts = 2
/** How long all of Entra is gone, besides the time to start it. */
const entraGoneMs = 1_000
/** One call of so many is of somebody new. */
const newUserEvery = 10
/** Into a phase, what it is about happens; until then it is as the one before. */
const happensAfterMs = 500
/** One, and some for a store that did not answer in time on a machine that is busy with the load as well. */
const mostExchangesAUser = 1.1
/** Besides those, of a run with few users. */
const moreExchanges = 3
/** Calls that were at a replica when it was killed, and those that nginx had sent to it, have no other answer. */
const mostLostToAKill = 0.02
/** A store that is down, frozen or full may cost a call this much, on a machine that is busy with the load as well. */
const allowanceMs = 1_000

/** Three replicas and all that befalls them, one thing after the other, under a load that goes on. */
export const replicasScenario = defineScenario({
  name: 'replicas',
  about: `open model: ${replicas} replicas behind nginx with a shared Redis; replica, Redis, Entra and keys fail in turn`,
  needs: 'processes',
  defaults: { users: 1_000, rate: 100, seconds: 10 },
  async run(stage, { users: count, rate, seconds }) {
    const entra = await stage.entraHosts(entraHosts)
    const tenant = await stage.tenant()
    const users = await stage.users(count)
    const fleet = await startFleet({ ...(await stage.serverOptions()), replicas })
    stage.atEnd(fleet.stop)
    const { target, redis } = fleet

    const measurements: Measurement[] = []
    /** One phase; what happens in it is undone after it. The exchanges that it took are among its figures. */
    async function go(
      name: string,
      { who = users, calls, happens, undo, comesAgain }: Partial<Phase> = {},
    ): Promise<Measurement & { readonly figures: { readonly exchanges: number } }> {
      await entra.resetStats()
      const happening = happens && sleep(happensAfterMs).then(happens)
      // It is told below, once the phase has ended.
      happening?.catch(() => {})
      const next = inTurn(who, () => ({ method: 'tools/call', tool: 'getMessages', args: { top: 5 } }))
      const load = { name, target, next, perSecond: rate, seconds: calls === undefined ? seconds : calls / rate }
      const measured = await phase(stage, { ...load, ...(comesAgain && { comesAgain }) }).finally(async () => {
        await happening?.finally(undo)
      })
      const withExchanges = { ...measured, figures: { exchanges: await entra.exchanges() } }
      measurements.push(withExchanges)
      return withExchanges
    }

    const first = await go('everybody’s first call', { calls: users.length })
    const further = await go('everybody’s next calls', { who: everywhere(users, [1, 2]), calls: 2 * users.length })
    const steady = await go('as usual')
    const killed = await go('a replica is killed', { happens: () => fleet.kill(0), undo: () => fleet.revive(0) })
    /** Some who never called are among those in trouble: it is for them that the store is asked. */
    const withNewUsers = async () => mixed(users, await stage.newUsers(Math.ceil((rate * seconds) / newUserEvery)))
    const trouble = [
      await go('Redis is killed', { who: await withNewUsers(), happens: redis.kill, undo: redis.revive }),
      await go('Redis is frozen', {
        who: await withNewUsers(),
        happens: async () => redis.freeze(),
        undo: async () => redis.thaw(),
      }),
      await go('Redis is full', { who: await withNewUsers(), happens: redis.fill, undo: redis.empty }),
    ]
    // The replica that was killed knows nobody, and the store that was killed nothing.
    const again = await go('everybody at every replica', {
      who: everywhere(users, [0, 1, 2]),
      calls: replicas * users.length,
    })
    trouble.push(
      await go('Entra breaks connections', {
        who: await withNewUsers(),
        happens: () => breakConnections(entra, seconds - 2 * (happensAfterMs / 1_000)),
        undo: entra.clearFaults,
      }),
      await go('Entra’s hosts are killed and started, one by one', {
        who: await withNewUsers(),
        happens: async () => {
          for (let index = 0; index < entra.size; index++) {
            await entra.kill(index)
            await entra.revive(index)
          }
        },
      }),
      await go('Entra answers 503', {
        happens: () =>
          entra.addFaults(
            ...(['token', 'keys', 'discovery'] as const).map(
              (target) => ({ target, kind: 'status', status: 503, retryAfter: 1 }) as const,
            ),
          ),
        undo: entra.clearFaults,
      }),
    )
    let cameAgain = 0
    const gone = await go('all of Entra is killed, and started again', {
      who: await withNewUsers(),
      happens: async () => {
        const everyHost = Array.from({ length: entra.size }, (_, index) => index)
        await Promise.all(everyHost.map(entra.kill))
        await sleep(entraGoneMs)
        await Promise.all(everyHost.map(entra.revive))
      },
      comesAgain: () => void cameAgain++,
    })
    await tenant.rotateKeys()
    const renewed = await stage.newTokens(users.length)
    const rotated = await go('keys are rotated, tokens are new', { who: renewed, calls: users.length })
    const last = await go('as usual again', { who: renewed })

    const usual = [first, further, steady, again, rotated, last]
    const exchanges = first.figures.exchanges + further.figures.exchanges
    return {
      measurements,
      figures: [
        { name: `exchanges for ${users.length} users who each call three times`, value: exchanges },
        { name: 'exchanges a user', value: exchanges / users.length },
        { name: 'times that somebody was told to come again while Entra was gone', value: cameAgain },
      ],
      rules: [
        nothingFails({ measurements: [...usual, ...trouble, gone] }),
        failsAtMost(mostLostToAKill, `of the calls while a replica is killed at most ${mostLostToAKill * 100} % fail`, [
          killed,
        ]),
        {
          says: `a user is exchanged once for all of ${replicas} replicas: at most ${mostExchangesAUser} times on average`,
          holds:
            exchanges >= users.length &&
            exchanges <= Math.max(mostExchangesAUser * users.length, users.length + moreExchanges),
          seen: `${exchanges} exchanges for ${users.length} users`,
        },
        ...trouble.map(({ name, latencyMs }) => ({
          says: `${name}: p99 no more than ${allowanceMs} ms beyond what is usual`,
          holds: latencyMs.p99 <= steady.latencyMs.p99 + allowanceMs,
          seen: `${latencyMs.p99.toFixed(0)} ms for ${steady.latencyMs.p99.toFixed(0)} ms`,
        })),
      ],
      isSequence: true,
    }
  },
})

/** The same users again and again, in such an order that the balancer's turns bring each to another replica each time. */
function everywhere(users: readonly LoadUser[], rounds: readonly number[]): LoadUser[] {
  return rounds.flatMap((round) => {
    const shift = (round * (users.length - 1)) % replicas
    return [...users.slice(shift), ...users.slice(0, shift)]
  })
}

/** Breaks a connection to one host after the other, once a second. */
async function breakConnections(entra: EntraHosts, seconds: number) {
  for (let second = 0; second < seconds; second++) {
    await entra.breakConnection(second % entra.size)
    await sleep(1_000)
  }
}

function mixed(users: readonly LoadUser[], newUsers: readonly LoadUser[]): LoadUser[] {
  return newUsers.flatMap((newUser, index) => {
    const known = Array.from(
      { length: newUserEvery - 1 },
      (_, step) => users[(index * newUserEvery + step) % users.length],
    )
    return [...known.filter((user) => user !== undefined), newUser]
  })
}

interface Phase {
  readonly who: readonly LoadUser[]
  /** So many calls, instead of so many seconds. */
  readonly calls: number
  readonly happens: () => Promise<unknown>
  readonly undo: () => Promise<unknown>
  /** Has who is told to come again do so; called each time. */
  readonly comesAgain: () => void
}
