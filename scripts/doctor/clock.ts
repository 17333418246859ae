import type { Context } from './context.ts'
import type { Check } from './examine.ts'
import { failure, type Opinion, ok, skipped, warning } from './finding.ts'
import type { Answer } from './probe.ts'

/** A token's times are judged with a minute of leeway, by the server; Entra gives five. */
const warnSeconds = 60
const failSeconds = 300

/** This machine's clock by Entra's, which sets the times in every token. */
export const ownClock: Check = {
  name: 'clock',
  needs: ['tenant'],
  unless: ({ config, deployment }) =>
    config === undefined && deployment === undefined ? 'there is no tenant to compare with' : undefined,
  async run(context) {
    const offset = offsetSeconds(await entraAnswer(context))
    return judgeClock('this machine', offset === undefined ? undefined : -offset, 'Entra')
  },
}

/** The deployment's clock by Entra's where that is known, else by this machine's. */
export const deploymentClock: Check = {
  name: 'clock of the deployment',
  needs: ['alive'],
  unless: ({ deployment }) => (deployment === undefined ? 'no deployment is examined; --url names one' : undefined),
  async run(context) {
    const { deployment, toDeployment } = context
    const offset = offsetSeconds(await toDeployment.get(`${deployment?.origin}/healthz`))
    const entra = await entraAnswer(context).then(offsetSeconds, () => undefined)
    if (offset === undefined) return judgeClock('the deployment', undefined, 'this machine')
    return entra === undefined
      ? judgeClock('the deployment', offset, 'this machine')
      : judgeClock('the deployment', offset - entra, 'Entra')
  },
}

/**
 * How far a peer's clock is before this machine's, by its `Date` (RFC 9110 section 6.6.1), which is cut to the second.
 */
export function offsetSeconds({
  headers,
  askedAtMs,
  answeredAtMs,
}: Pick<Answer, 'headers' | 'askedAtMs' | 'answeredAtMs'>): number | undefined {
  const date = Date.parse(headers['date'] ?? '')
  if (Number.isNaN(date)) return undefined
  // Half a second for what was cut off.
  return Math.round((date + 500 - (askedAtMs + answeredAtMs) / 2) / 1000)
}

/** @param offset seconds before the reference; undefined where the peer does not say its time */
export function judgeClock(whose: string, offset: number | undefined, reference: string): Opinion {
  if (offset === undefined) return skipped(`${reference === 'Entra' ? reference : whose} does not say its time`)
  const says = `The clock of ${whose} is ${Math.abs(offset)} s ${offset > 0 ? 'before' : 'behind'} that of ${reference}.`
  const mend = 'Let it be set by NTP: tokens are refused as expired, or as not valid yet.'
  if (Math.abs(offset) > failSeconds) return failure(says, mend)
  if (Math.abs(offset) > warnSeconds) return warning(says, mend)
  return ok(`within ${warnSeconds} s of ${reference}’s`)
}

async function entraAnswer({ entra, toMicrosoft }: Context): Promise<Answer> {
  const { discoveryUrl } = await entra()
  return toMicrosoft.get(discoveryUrl)
}
