import { inTurn } from '../calls.ts'
import { withoutAnswersKept } from '../servers.ts'
import { phase, staysWithin } from './phases.ts'
import { defineScenario, nothingFails } from './scenario.ts'

const delayMs = 1_000
/** What a call may take besides Graph's time, on a machine that is busy with the load as well. */
const allowanceMs = 1_000

/** Graph takes a second more for each answer: callers wait for it, and for nothing else. */
export const slowGraph = defineScenario({
  name: 'slow-graph',
  about: `open model: Graph takes ${delayMs / 1_000} s more, and then no longer`,
  needs: 'tenant',
  defaults: { users: 100, rate: 40, seconds: 10 },
  async run(stage, { users: count, rate, seconds }) {
    const tenant = await stage.tenant()
    const users = await stage.users(count)
    const target = await stage.server(withoutAnswersKept)
    const next = inTurn(users, () => ({ method: 'tools/call', tool: 'getMessages', args: { top: 5 } }))
    const load = { target, next, perSecond: rate, seconds }
    await stage.closed({ name: 'warming up', target, next, connections: 8, calls: 2 * users.length })

    const before = await phase(stage, { ...load, name: 'as usual' })
    await tenant.addFaults({ target: 'graph', kind: 'delay', delayMs })
    const slow = await phase(stage, { ...load, name: 'Graph is slow' }).finally(() => tenant.clearFaults())
    const after = await phase(stage, { ...load, name: 'as usual again' })

    const measurements = [before, slow, after]
    return {
      measurements,
      rules: [
        nothingFails({ measurements }),
        staysWithin(delayMs + allowanceMs, slow),
        staysWithin(allowanceMs, after),
      ],
      isSequence: true,
    }
  },
})
