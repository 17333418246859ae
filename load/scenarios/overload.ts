import { inTurn } from '../calls.ts'
import { failsOnlyBy, phase, staysWithin } from './phases.ts'
import { defineScenario, nothingFails } from './scenario.ts'

const times = 3
/** Of what the server could do before; the load itself takes processor time from it on the same machine. */
const leastGoodput = 0.3
/** A caller gives up after so long; what is answered later helps nobody. */
const timeoutMs = 10_000
/** Whom it takes back to: what was usual before, or this much, where before was very quick. */
const slowestAfterwardsMs = 1_000

/** Three times as many calls as the server can answer: it answers those that it can, and is well again afterwards. */
export const overload = defineScenario({
  name: 'overload',
  about: `open model: ${times} times as many calls as the server can answer, and the time after`,
  needs: 'anything',
  defaults: { users: 100, connections: 16, seconds: 15 },
  async run(stage, { users: count, connections, seconds }) {
    const users = await stage.users(count)
    const target = await stage.server()
    const next = inTurn(users, () => ({ method: 'tools/call', tool: 'getMessages', args: { top: 5 } }))
    await stage.closed({ name: 'warming up', target, next, connections, calls: 4 * users.length })
    const most = await stage.closed({
      name: 'as fast as it goes',
      target,
      next,
      connections,
      seconds: Math.min(seconds, 5),
    })
    const capacity = most.perSecond

    const load = { target, next, seconds, timeoutMs }
    const before = await phase(stage, { ...load, name: 'half of that', perSecond: capacity / 2 })
    const during = await phase(stage, { ...load, name: `${times} times that`, perSecond: times * capacity })
    const after = await phase(stage, { ...load, name: 'half of that again', perSecond: capacity / 2 })

    const goodput = during.perSecond / capacity
    return {
      measurements: [most, before, during, after],
      figures: [
        { name: 'calls a second that it can answer', value: capacity },
        { name: 'share of them that it answers while overloaded', value: goodput },
        {
          name: 'how late calls were sent meanwhile, 99th percentile',
          value: during.sentLateMs ?? Number.NaN,
          unit: 'ms',
        },
      ],
      rules: [
        nothingFails({ measurements: [before, after] }),
        {
          says: `while overloaded it answers at least ${leastGoodput} of what it can`,
          holds: goodput >= leastGoodput,
          seen: goodput.toFixed(2),
        },
        failsOnlyBy(/^(?!HTTP 5\d\d.*without Retry-After$|HTTP 500)/, 'who is refused is told when to come again', [
          during,
        ]),
        { says: 'the server is still there', holds: target.process?.hasEnded !== true, seen: target.url },
        staysWithin(Math.max(slowestAfterwardsMs, 5 * before.latencyMs.p99), after),
      ],
      isSequence: true,
    }
  },
})
