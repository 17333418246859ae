import type { Config } from '../../src/config/index.ts'
import { scopesOf } from '../../src/lib/graph-permissions.ts'
import { defaultTools, toolsFor } from '../../src/tools/index.ts'
import type { Context, Registration } from './context.ts'
import type { Check } from './examine.ts'
import { failure, type Outcome, ok, skipped, warning } from './finding.ts'
import { principalOf } from './registration.ts'

const dayMs = 24 * 60 * 60 * 1000
/** Time to deploy a new credential. */
const warnDays = 30
const registerServer = 'npm run ops -- register server'

/** Why the registration cannot be read. */
const unreadable = ({ canReadRegistration, config, deployment }: Context) => {
  if (config === undefined && deployment === undefined) return 'neither a configuration nor a deployment names one'
  return canReadRegistration ? undefined : 'needs a sign-in: --az or --graph-device-code'
}

const check = (
  name: string,
  needs: readonly string[],
  judge: (registration: Registration, context: Context) => Outcome | Promise<Outcome>,
): Check => ({
  name,
  needs: ['registration', ...needs],
  unless: unreadable,
  run: async (context) => judge(await context.registration(await apiId(context)), context),
})

/** The registration can be read at all. */
const registration: Check = {
  name: 'registration',
  needs: ['tenant'],
  unless: unreadable,
  async run(context) {
    const { app } = await context.registration(await apiId(context))
    return ok(`read the app ${app.appId}`)
  },
}

/** Where Entra redirects browsers; of the app that users sign in to. */
const redirectUri: Check = {
  name: 'redirect URI',
  needs: ['registration'],
  unless: (context) =>
    unreadable(context) ??
    (context.config !== undefined && context.config.oauthProxy === undefined
      ? 'clients sign in at Entra directly (MCP_OAUTH_PROXY=off)'
      : undefined),
  async run(context) {
    const { config, deployment } = context
    const { app } = await context.registration(config?.oauthProxy?.clientId ?? (await apiId(context)))
    return judgeRedirect(app, `${config?.publicBaseUrl ?? deployment?.origin}/oauth/callback`)
  },
}

/** All checks of the registrations, the API's own and the one for sign-in. */
export const applicationChecks: readonly Check[] = [
  registration,
  redirectUri,
  check('scope', [], ({ app }, { config }) => judgeScopes(app, config?.callers.requiredScopes ?? ['access_as_user'])),
  check('token version', [], ({ app }) => judgeVersion(app)),
  check('Graph permission', [], (registration, context) => judgePermission(registration, neededScopes(context))),
  check('admin consent', ['Graph permission'], (registration, context) =>
    judgeConsent(registration, neededScopes(context)),
  ),
  check('credential dates', [], ({ app }, { config, now }) => judgeDates(app, config?.entra.credential, now())),
  check('federated credential', [], async ({ federated }, context) => {
    const identity = identityOf(context.config?.entra.credential)
    if (identity === undefined) return skipped('the credential is not a managed identity')
    const { issuer } = await context.entra()
    return judgeFederation(federated, issuer, (await principalOf(context, identity))?.id)
  }),
]

export function judgeRedirect({ web, spa }: Registration['app'], wanted: string): Outcome {
  const isWanted = (uri: string) => uri === wanted || withoutPort(uri) === withoutPort(wanted)
  if (web.redirectUris.some(isWanted)) return ok(wanted)
  const elsewhere = spa.redirectUris.some(isWanted)
  return failure(
    elsewhere ? `${wanted} is registered for a single-page app.` : `${wanted} is not registered (AADSTS50011).`,
    `${elsewhere ? 'Move it to the platform Web' : 'Register it as a Web redirect URI'}: ${registerServer} --public-base-url ${new URL(wanted).origin}.`,
  )
}

export function judgeScopes({ appId, identifierUris, api }: Registration['app'], wanted: readonly string[]): Outcome {
  const uri = `api://${appId}`
  if (!identifierUris.includes(uri))
    return failure(`The Application ID URI is not ${uri}.`, `${registerServer} sets it.`)
  const missing = wanted.filter((name) => !api.oauth2PermissionScopes.some(({ value }) => value === name))
  if (missing.length > 0)
    return failure(`Missing scope: ${missing.join(' ')}.`, `${registerServer} adds access_as_user.`)
  const disabled = wanted.filter(
    (name) => !api.oauth2PermissionScopes.some(({ value, isEnabled }) => value === name && isEnabled),
  )
  if (disabled.length > 0) return failure(`Disabled scope: ${disabled.join(' ')}.`, 'Enable it under Expose an API.')
  return ok(wanted.map((name) => `${uri}/${name}`).join(' '))
}

export function judgeVersion({ api }: Registration['app']): Outcome {
  if (api.requestedAccessTokenVersion === 2) return ok('version 2')
  return warning(
    'Access tokens have version 1: requestedAccessTokenVersion is not 2. The server accepts them.',
    `${registerServer} sets it to 2.`,
  )
}

/** Of the tools that are switched on; of a deployment alone nothing is known but the usual ones. */
function neededScopes({ config }: Context): readonly string[] {
  return scopesOf(config === undefined ? defaultTools : toolsFor(config.tools))
}

/** A granted permission need not be requested: an exchange depends on consent. */
function judgePermission({ app, granted, graphPermissions }: Registration, needed: readonly string[]): Outcome {
  const requested = app.requiredResourceAccess
    .flatMap(({ resourceAccess }) => resourceAccess)
    .map(({ id }) => graphPermissions.get(id))
  const missing = needed.filter((scope) => !requested.includes(scope) && !granted.includes(scope))
  if (missing.length === 0) return ok(needed.join(', '))
  return failure(
    `Missing Graph permission: ${missing.join(', ')}.`,
    `${registerServer} --admin-consent adds it, and consents.`,
  )
}

function judgeConsent({ granted }: Registration, needed: readonly string[]): Outcome {
  const missing = needed.filter((scope) => !granted.includes(scope))
  if (missing.length === 0) return ok(`${needed.join(', ')}, for all users`)
  return failure(
    `Missing admin consent: ${missing.join(', ')}.`,
    `Grant it under API permissions, or: ${registerServer} --admin-consent. Users who consented for themselves can read without it.`,
  )
}

/**
 * When the credential expires. A secret is recognized by its first characters, which Graph shows as its hint.
 *
 * @param now milliseconds since the epoch
 */
export function judgeDates(
  { passwordCredentials, keyCredentials }: Registration['app'],
  credential: Config['entra']['credential'] | undefined,
  now: number,
): Outcome {
  if (credential?.kind === 'managed_identity') return skipped('a managed identity does not expire')
  const secret = credential?.kind === 'secret' ? credential.secret : undefined
  const hinted = passwordCredentials.filter(({ hint }) => hint && secret?.startsWith(hint))
  const secrets = hinted.length > 0 ? hinted : passwordCredentials
  const all =
    credential === undefined ? [...secrets, ...keyCredentials] : secret === undefined ? keyCredentials : secrets
  const ends = all.map(({ endDateTime }) => Date.parse(endDateTime ?? '')).filter((end) => !Number.isNaN(end))
  if (ends.length === 0) return skipped('no dates in the registration')
  // Whichever is in use, it does not outlive the last one.
  const last = Math.max(...ends)
  const days = Math.floor((last - now) / dayMs)
  const date = new Date(last).toISOString().slice(0, 10)
  const renew = `Create another before then, and set it: ${registerServer} --renew-secret, or --certificate.`
  if (days < 0) return failure(`The last one expired on ${date}.`, renew)
  if (days < warnDays) return warning(`The last one expires in ${days} days, on ${date}.`, renew)
  return ok(`valid until ${date} (${days} days)`)
}

/** @param principalId the managed identity's object id; undefined where the tenant has no such identity */
export function judgeFederation(
  federated: Registration['federated'],
  issuer: string,
  principalId: string | undefined,
): Outcome {
  if (principalId === undefined) {
    return failure(
      'No such managed identity in the tenant.',
      'Check GRAPH_MANAGED_IDENTITY_CLIENT_ID: it is a client id.',
    )
  }
  if (federated.some((one) => one.issuer === issuer && one.subject === principalId)) return ok(`names ${principalId}`)
  return failure(
    `No federated credential names the managed identity ${principalId}.`,
    `${registerServer} --managed-identity ${principalId} adds it.`,
  )
}

async function apiId({ entra }: Context): Promise<string> {
  return (await entra()).clientId
}

function identityOf(credential: Config['entra']['credential'] | undefined): string | undefined {
  return credential?.kind === 'managed_identity' ? credential.identityClientId : undefined
}

/** Entra ignores the port of a registered localhost. https://learn.microsoft.com/entra/identity-platform/reply-url */
function withoutPort(uri: string): string {
  return uri.replace(/^(http:\/\/(?:localhost|127\.0\.0\.1)):\d+/, '$1')
}
