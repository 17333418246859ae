import { fivePosts, fivePostsElsewhere, inTurn } from '../calls.ts'
import { withoutAnswersKept } from '../servers.ts'
import type { ClosedLoad } from '../stage.ts'
import { knowsFresh } from './knows-fresh.ts'
import { ratios } from './ratios.ts'
import { defineScenario, nothingFails } from './scenario.ts'

/** What a call costs that nothing is new in, beside the floor and the reference pattern. */
export const warm = defineScenario({
  name: 'warm',
  about: 'closed model: users whom the server knows, beside the floor and the reference pattern',
  needs: 'anything',
  defaults: { users: 100, connections: 8, seconds: 4, rounds: 5 },
  async run(stage, { users: count, connections, seconds, rounds }) {
    const users = await stage.users(count)
    const asking = (question: typeof fivePosts) => inTurn(users, () => question)
    const load = { connections, seconds }

    const loads: ClosedLoad[] = []
    const kept = await stage.server()
    loads.push({ ...load, name: 'this server, answers kept', target: kept, next: asking(fivePosts) })
    if (stage.isOwn) {
      const direct = await stage.server(withoutAnswersKept)
      loads.push({ ...load, name: 'this server, every call to Graph', target: direct, next: asking(fivePosts) })
      const peers = { 'reference pattern': await stage.peer('reference'), floor: await stage.peer('floor') }
      for (const [name, target] of Object.entries(peers)) {
        loads.push({ ...load, name, target, next: asking(fivePostsElsewhere) })
      }
    } else if (await knowsFresh(kept, users)) {
      const fresh = { ...fivePosts, args: { ...fivePosts.args, fresh: true } }
      loads.push({ ...load, name: 'this server, every call to Graph', target: kept, next: asking(fresh) })
    }

    // Everybody once, so that nobody's exchange is measured.
    for (const one of loads) await stage.closed({ ...one, calls: users.length, name: `${one.name}: first calls` })
    const measurements = await stage.inTurn(loads, rounds)
    return { measurements, figures: ratios(measurements), rules: [nothingFails({ measurements })] }
  },
})
