import type { Context } from './context.ts'
import { type Check, noDeployment } from './examine.ts'
import { failure, type Outcome, ok, skipped, warning } from './finding.ts'
import type { ProbeResponse } from './probe.ts'

/** The server verifies a token's times with a minute of leeway, Entra with five. */
const warnSeconds = 60
const failSeconds = 300

/** This machine's clock against Entra's, which sets the times in every token. */
export const ownClock: Check = {
  name: 'clock',
  needs: ['tenant'],
  unless: ({ config, deployment }) =>
    config === undefined && deployment === undefined ? 'no tenant to compare with' : undefined,
  async run(context) {
    const offset = offsetSeconds(await entraResponse(context))
    return judgeClock('this machine', offset === undefined ? undefined : -offset, 'Entra')
  },
}

/** The deployment's clock against Entra's, or this machine's where Entra is unavailable. */
export const deploymentClock: Check = {
  name: 'clock of the deployment',
  needs: ['alive'],
  unless: noDeployment,
  async run(context) {
    const { deployment, toDeployment } = context
    const offset = offsetSeconds(await toDeployment.get(`${deployment?.origin}/healthz`))
    const entra = await entraResponse(context).then(offsetSeconds, () => undefined)
    if (offset === undefined) return judgeClock('the deployment', undefined, 'this machine')
    return entra === undefined
      ? judgeClock('the deployment', offset, 'this machine')
      : judgeClock('the deployment', offset - entra, 'Entra')
  },
}

/**
 * How far a peer's clock is ahead of this machine's, by its `Date` (RFC 9110 section 6.6.1), which is truncated to the second.
 */
export function offsetSeconds({
  headers,
  askedAtMs,
  receivedAtMs,
}: Pick<ProbeResponse, 'headers' | 'askedAtMs' | 'receivedAtMs'>): number | undefined {
  const date = Date.parse(headers['date'] ?? '')
  if (Number.isNaN(date)) return undefined
  // Half a second for the truncation.
  return Math.round((date + 500 - (askedAtMs + receivedAtMs) / 2) / 1000)
}

/** @param offset seconds ahead of the reference; undefined where a response had no Date */
export function judgeClock(whose: string, offset: number | undefined, reference: string): Outcome {
  if (offset === undefined) return skipped(`no Date header from ${reference === 'Entra' ? reference : whose}`)
  const message = `The clock of ${whose} is ${Math.abs(offset)} s ${offset > 0 ? 'ahead of' : 'behind'} that of ${reference}.`
  const fix = 'Synchronize it by NTP: tokens are rejected as expired or not_yet_valid.'
  if (Math.abs(offset) > failSeconds) return failure(message, fix)
  if (Math.abs(offset) > warnSeconds) return warning(message, fix)
  return ok(`within ${warnSeconds} s of ${reference}’s`)
}

async function entraResponse({ entra, toMicrosoft }: Context): Promise<ProbeResponse> {
  const { discoveryUrl } = await entra()
  return toMicrosoft.get(discoveryUrl)
}
