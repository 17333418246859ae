import { compareWithBaselines } from '../baselines/compare.ts'
import { fiveBodies, fiveBodiesOfBaseline, getMessages, roundRobin } from '../calls.ts'
import type { ClosedLoad } from '../harness.ts'
import { noFailures } from '../rules.ts'
import { defineScenario } from '../scenario.ts'

/** What a question costs that is answered from memory, beside what calls Graph for each. */
export const warm = defineScenario({
  name: 'warm',
  description: 'closed model: users whom the server knows, beside the floor and the reference pattern',
  needs: 'target',
  defaults: { users: 100, connections: 8, seconds: 4, rounds: 5 },
  async run(harness, { users: count, connections, seconds, rounds }) {
    const users = await harness.users(count)
    const load = { connections, seconds }
    const target = await harness.server()
    const loads: ClosedLoad[] = [
      { ...load, target, name: 'this server', next: roundRobin(users, () => getMessages()) },
      { ...load, target, name: 'this server, with bodies', next: roundRobin(users, () => fiveBodies) },
    ]
    if (harness.isOwn) {
      const next = roundRobin(users, () => fiveBodiesOfBaseline)
      loads.push(
        { ...load, name: 'reference pattern', target: await harness.baseline('reference'), next },
        { ...load, name: 'floor', target: await harness.baseline('floor'), next },
      )
    }
    // Everybody once, so that nobody's token exchange is measured, nor the load of their Message Center.
    for (const one of loads) await harness.closed({ ...one, calls: users.length, name: `${one.name}: first calls` })
    const measurements = await harness.compare(loads, rounds)
    return { measurements, figures: compareWithBaselines(measurements), rules: [noFailures(...measurements)] }
  },
})
