import { fivePosts, inTurn } from '../calls.ts'
import { defineScenario, nothingFails } from './scenario.ts'

/** All of them are due within so long; at the very same moment nobody could send them. */
const burstSeconds = 0.02

/**
 * A Monday morning after a deployment: everybody's first call, with a proof and an exchange for each. Whom the server
 * tells to come again does.
 */
export const coldBurst = defineScenario({
  name: 'cold-burst',
  about: 'users who never called, all at once; then the same users again',
  needs: 'anything',
  defaults: { users: 1_000 },
  async run(stage, { users: count }) {
    const target = await stage.server()
    const users = await stage.newUsers(count)
    const tenant = await stage.tenant().catch(() => undefined)
    await tenant?.resetStats()

    const burst = async (name: string) => {
      const next = inTurn(users, () => fivePosts)
      let cameAgain = 0
      const load = { name, target, next, perSecond: users.length / burstSeconds, seconds: burstSeconds }
      const comesAgain = () => void cameAgain++
      const measurement = await stage.open({ ...load, maxOutstanding: users.length, comesAgain })
      const again = cameAgain === 0 ? '' : `, ${cameAgain} refusals waited out`
      stage.progress.say(`${name}: all answered after ${measurement.seconds.toFixed(2)} s${again}`)
      return measurement
    }
    const measurements = [await burst('never seen before'), await burst('the same again')]

    const exchanges = Object.values((await tenant?.stats())?.exchangesByUser ?? {})
    const most = Math.max(0, ...exchanges)
    const total = exchanges.reduce((sum, one) => sum + one, 0)
    const exchanged = {
      says: 'each user’s token is exchanged once',
      holds: most === 1 && exchanges.length === users.length,
      seen: `${total} exchanges for ${users.length} users, ${most} at most for one`,
    }
    return {
      measurements,
      figures: measurements.map(({ name, seconds }) => ({
        name: `${name}: until the last answer`,
        value: seconds,
        unit: 's',
      })),
      rules: [nothingFails({ measurements }), ...(stage.isOwn ? [exchanged] : [])],
      isSequence: true,
    }
  },
})
