import { fivePosts, inTurn } from '../calls.ts'
import { withoutAnswersKept } from '../servers.ts'
import { failsOnlyBy, phase, staysWithin } from './phases.ts'
import { defineScenario, nothingFails } from './scenario.ts'

const times = 3
const usualShare = 0.7
/** What the real Graph takes; the emulated one takes nothing but processor time, of which there is too little already. */
const graphMs = 200
/** Of what the server could do before; the load itself takes processor time from it on the same machine. */
const leastGoodput = 0.7
/** Of those that are let in, to what was usual before. */
const slowestTimes = 5
/** A caller gives up after so long; what is answered later helps nobody. */
const timeoutMs = 10_000

/** Three times as many calls as the server can answer: it answers those that it can in good time, and is well again. */
export const overload = defineScenario({
  name: 'overload',
  about: `open model: ${times} times as many calls as the server can answer, and the time after`,
  needs: 'anything',
  defaults: { users: 100, connections: 64, seconds: 15 },
  async run(stage, { users: count, connections, seconds }) {
    const users = await stage.users(count)
    const target = await stage.server(withoutAnswersKept)
    if (stage.isOwn) await (await stage.tenant()).addFaults({ target: 'graph', kind: 'delay', delayMs: graphMs })
    const next = inTurn(users, () => fivePosts)
    await stage.closed({ name: 'warming up', target, next, connections, calls: 4 * users.length })
    const most = await stage.closed({
      name: 'as fast as it goes',
      target,
      next,
      connections,
      seconds: Math.min(seconds, 5),
    })
    const capacity = most.perSecond

    const load = { target, next, seconds, timeoutMs, connections: 500 }
    const usual = usualShare * capacity
    const before = await phase(stage, { ...load, name: `${usualShare} of that`, perSecond: usual })
    const during = await phase(stage, { ...load, name: `${times} times that`, perSecond: times * capacity })
    const after = await phase(stage, { ...load, name: `${usualShare} of that again`, perSecond: usual })

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
        staysWithin(slowestTimes * before.latencyMs.p99, during),
        staysWithin(slowestTimes * before.latencyMs.p99, after),
      ],
      isSequence: true,
    }
  },
})
