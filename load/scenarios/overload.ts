import { type CallSpec, fromGraph, getMessages, roundRobin } from '../calls.ts'
import type { Harness } from '../harness.ts'
import { isOk } from '../processes.ts'
import { failuresAtMost, onlyFailures, p99Within } from '../rules.ts'
import { defineScenario } from '../scenario.ts'
import type { LoadUser } from '../users.ts'

const overloadFactor = 3
const usualShare = 0.7
/** What the real Graph takes; the emulated one takes CPU time only, of which there is too little already. */
const graphMs = 200
/** A caller gives up after so long; what is served later helps nobody. */
const timeoutMs = 10_000
const probeEveryMs = 250

interface Workload {
  readonly name: string
  readonly spec: CallSpec
  /** Of capacity, while overloaded; the load itself takes CPU time from the server on the same machine. */
  readonly leastServed: number
  /** The p99 of what is served while overloaded, to the usual one. */
  readonly slowestTimes: number
  /** At the usual load: what comes during a pause of the machine may be more than is admitted at once. */
  readonly mostFailures: number
}

/**
 * Calls that wait for Graph, and calls that wait for nothing. A rejection costs a quarter of an answer from memory, so that
 * at three times capacity rejecting takes half of the server's time.
 */
const workloads: readonly Workload[] = [
  { name: 'Graph', spec: fromGraph, leastServed: 0.7, slowestTimes: 5, mostFailures: 0.01 },
  { name: 'snapshots', spec: getMessages(), leastServed: 0.3, slowestTimes: 12, mostFailures: 0.03 },
]

/** Three times as many calls as the server can serve: it serves what it can in good time, and recovers at once. */
export const overload = defineScenario({
  name: 'overload',
  description: `open model: ${overloadFactor} times as many calls as the server can serve, and the time after`,
  needs: 'target',
  defaults: { users: 100, connections: 64, seconds: 30 },
  async run(harness, { users: count, connections, seconds }) {
    const users = await harness.users(count)
    if (harness.isOwn) await (await harness.tenant()).addFaults({ target: 'graph', kind: 'delay', delayMs: graphMs })
    const runs = []
    for (const workload of workloads) runs.push(await runOverload(harness, workload, users, connections, seconds))
    return {
      measurements: runs.flatMap(({ measurements }) => measurements),
      figures: runs.flatMap(({ figures }) => figures),
      rules: runs.flatMap(({ rules }) => rules),
      isSequence: true,
    }
  },
})

async function runOverload(
  harness: Harness,
  { name, spec, leastServed, slowestTimes, mostFailures }: Workload,
  users: readonly LoadUser[],
  connections: number,
  seconds: number,
) {
  const target = await harness.server()
  const load = { target, next: roundRobin(users, () => spec), seconds }
  await harness.closed({ ...load, name: `${name}: warm-up`, connections, calls: 4 * users.length })
  const fastest = await harness.closed({ ...load, name: `${name}: ${connections} callers`, connections })
  const capacity = fastest.perSecond

  // A server accepts one new connection in each turn of its event loop: there, they would wait longer than calls.
  const client = await harness.client(target, { connections: 500, timeoutMs })
  const at = (factor: number, more = '') =>
    harness.open({ ...load, client, name: `${name}: ${factor} × capacity${more}`, perSecond: factor * capacity })
  const before = await at(usualShare)
  const probes = startProbes(new URL('/healthz', target.url).href)
  const during = await at(overloadFactor).finally(probes.stop)
  const after = await at(usualShare, ' again')

  const served = during.perSecond / capacity
  const usualP99 = before.latencyMs.p99
  return {
    measurements: [fastest, before, during, after],
    figures: [
      { name: `${name}: capacity a second`, value: capacity },
      { name: `${name}: share of capacity that is served while overloaded`, value: served },
      { name: `${name}: p99 while overloaded to the usual`, value: during.latencyMs.p99 / usualP99 },
      { name: `${name}: calls were sent late, p99`, value: during.sentLateMs ?? Number.NaN, unit: 'ms' },
    ],
    rules: [
      failuresAtMost(mostFailures, `${name}: before and after`, before, after),
      {
        description: `${name}: while overloaded, at least ${leastServed} of capacity is served`,
        passed: served >= leastServed,
        observed: served.toFixed(2),
      },
      onlyFailures(
        /^(?!HTTP 5\d\d.*without Retry-After$|HTTP 500)/,
        `${name}: every rejection has Retry-After`,
        during,
      ),
      {
        description: `${name}: probes are always served`,
        passed: probes.counts.failed === 0,
        observed: `${probes.counts.failed} of ${probes.counts.sent} failed`,
      },
      p99Within(slowestTimes * usualP99, during, before),
      p99Within(slowestTimes * usualP99, after, before),
    ],
  }
}

/** Probes a URL as an orchestrator does, until stopped. */
function startProbes(url: string) {
  const counts = { sent: 0, failed: 0 }
  async function probe(): Promise<void> {
    counts.sent++
    if (!(await isOk(url))) counts.failed++
  }
  const timer = setInterval(() => void probe(), probeEveryMs)
  return { counts, stop: () => clearInterval(timer) }
}
