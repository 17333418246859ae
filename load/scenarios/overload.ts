import { fivePosts, inTurn, type Question } from '../calls.ts'
import type { Findings } from '../report/report.ts'
import { withoutAnswersKept } from '../servers.ts'
import type { Stage } from '../stage.ts'
import type { LoadUser } from '../users.ts'
import { failsAtMost, failsOnlyBy, phase, staysWithin } from './phases.ts'
import { defineScenario } from './scenario.ts'

const times = 3
const usualShare = 0.7
/** What the real Graph takes; the emulated one takes nothing but processor time, of which there is too little already. */
const graphMs = 200
/** Of what the server could do before; the load itself takes processor time from it on the same machine. */
const leastGoodput = 0.5
/** Of those that are let in, to what was usual before. */
const slowestTimes = 5
/** A machine that is shared has its moments. */
const mostFailing = 0.01
/** A caller gives up after so long; what is answered later helps nobody. */
const timeoutMs = 10_000

interface Kind {
  readonly name: string
  readonly question: Question
  readonly settings: Readonly<Record<string, string>>
}
/** What waits for Graph, and what waits for nothing. */
const kinds: readonly Kind[] = [
  { name: 'calls', question: fivePosts, settings: withoutAnswersKept },
  { name: 'kept', question: { method: 'tools/call', tool: 'getMessages', args: { top: 5 } }, settings: {} },
  { name: 'lists', question: { method: 'tools/list' }, settings: {} },
]

/** Three times as many calls as the server can answer: it answers those that it can in good time, and is well again. */
export const overload = defineScenario({
  name: 'overload',
  about: `open model: ${times} times as many calls as the server can answer, and the time after`,
  needs: 'anything',
  defaults: { users: 100, connections: 64, seconds: 30 },
  async run(stage, { users: count, ...load }) {
    const users = await stage.users(count)
    if (stage.isOwn) await (await stage.tenant()).addFaults({ target: 'graph', kind: 'delay', delayMs: graphMs })
    const found: Required<Pick<Findings, 'measurements' | 'figures' | 'rules'>>[] = []
    for (const kind of kinds) found.push(await overloadWith(kind, stage, users, load))
    return {
      measurements: found.flatMap(({ measurements }) => measurements),
      figures: found.flatMap(({ figures }) => figures),
      rules: found.flatMap(({ rules }) => rules),
      isSequence: true,
    }
  },
})

async function overloadWith(
  { name, question, settings }: Kind,
  stage: Stage,
  users: readonly LoadUser[],
  { connections, seconds }: { connections: number; seconds: number },
) {
  const target = await stage.server(settings)
  const next = inTurn(users, () => question)
  await stage.closed({ name: `${name}: warming up`, target, next, connections, calls: 4 * users.length })
  const asFast = { name: `${name}: as fast as it goes`, target, next, connections, seconds: Math.min(seconds, 5) }
  const most = await stage.closed(asFast)
  const capacity = most.perSecond

  // Of new connections, a server takes one in each turn of its event loop: there, they would wait longer than calls.
  const client = await stage.client(target, { connections: 500, timeoutMs })
  const load = { target, next, seconds, client }
  const usual = usualShare * capacity
  const before = await phase(stage, { ...load, name: `${name}: ${usualShare} of that`, perSecond: usual })
  const during = await phase(stage, { ...load, name: `${name}: ${times} times that`, perSecond: times * capacity })
  const after = await phase(stage, { ...load, name: `${name}: ${usualShare} of that again`, perSecond: usual })

  const goodput = during.perSecond / capacity
  return {
    measurements: [most, before, during, after],
    figures: [
      { name: `${name} a second that it can answer`, value: capacity },
      { name: `${name}: share of them that it answers while overloaded`, value: goodput },
      { name: `${name}: p99 while overloaded, to the usual`, value: during.latencyMs.p99 / before.latencyMs.p99 },
      {
        name: `${name}: how late they were sent meanwhile, 99th percentile`,
        value: during.sentLateMs ?? Number.NaN,
        unit: 'ms',
      },
    ],
    rules: [
      failsAtMost(mostFailing, `${name}: before and after, at most ${mostFailing * 100} % fail`, [before, after]),
      {
        says: `${name}: while overloaded it answers at least ${leastGoodput} of what it can`,
        holds: goodput >= leastGoodput,
        seen: goodput.toFixed(2),
      },
      failsOnlyBy(
        /^(?!HTTP 5\d\d.*without Retry-After$|HTTP 500)/,
        `${name}: who is refused is told when to come again`,
        [during],
      ),
      { says: `${name}: the server is still there`, holds: target.process?.hasEnded !== true, seen: target.url },
      staysWithin(slowestTimes * before.latencyMs.p99, during),
      staysWithin(slowestTimes * before.latencyMs.p99, after),
    ],
  }
}
