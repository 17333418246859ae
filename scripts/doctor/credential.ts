import { readFile } from 'node:fs/promises'
import type { Config } from '../../src/config/index.ts'
import { Failure } from '../../src/errors/index.ts'
import { createBoundedClient } from '../../src/lib/bounded-client.ts'
import { deadlineIn } from '../../src/lib/deadline.ts'
import { exchangeFailure } from '../../src/lib/exchange-failure.ts'
import { graphResource } from '../../src/lib/graph-permissions.ts'
import { readSigner } from '../../src/plugins/client-credential/client-certificate.ts'
import { CredentialError } from '../../src/plugins/client-credential/credential-error.ts'
import { azureLimits, createClientAuthentication } from '../../src/plugins/client-credential/index.ts'
import type { Context } from './context.ts'
import type { Check } from './examine.ts'
import { failure, type Outcome, ok, skipped, warning } from './finding.ts'
import type { ProbeResponse } from './probe.ts'

/** A vault and an identity endpoint can be slow. */
const credentialTimeoutMs = 30_000

const dayMs = 24 * 60 * 60 * 1000
/** Time to deploy a new one; the server itself warns as early. */
const warnDays = 30

const noConfiguration = ({ config, env }: Context) =>
  config !== undefined
    ? undefined
    : env === undefined
      ? 'deployment only; --env-file names a configuration'
      : 'fix the configuration first'

/**
 * Entra accepts the credential of the server's app. Tested by the client credentials grant (RFC 6749 section 4.4),
 * which needs no user and no permission; the token is discarded.
 */
export const credential: Check = {
  name: 'credential',
  needs: ['tenant', 'certificate file'],
  unless: noConfiguration,
  run: (context) => tryApp(context, 'api'),
}

/** The same for the app that users sign in to, where that is another one. */
export const signInCredential: Check = {
  name: 'credential for sign-in',
  needs: ['tenant', 'certificate file'],
  unless: (context) => noConfiguration(context) ?? (isOneApp(context) ? 'same app' : undefined),
  run: (context) => tryApp(context, 'signIn'),
}

function isOneApp({ config }: Context): boolean {
  return config?.oauthProxy === undefined || config.oauthProxy.clientId === config.entra.clientId
}

/** @param app to authenticate as: the API, or the app that users sign in to */
async function tryApp({ io, config, entra, toMicrosoft }: Context, app: 'api' | 'signIn'): Promise<Outcome> {
  if (config === undefined) return skipped('no configuration')
  const { credential } = app === 'api' ? config.entra : (config.oauthProxy ?? config.entra)
  if (!/^(secret|certificate_file)$/.test(credential.kind) && !io.env['IDENTITY_ENDPOINT']) {
    // As Container Apps and App Service name their endpoint.
    return skipped('needs a managed identity: run doctor where the server runs')
  }
  const clientId = app === 'api' ? config.entra.clientId : (config.oauthProxy?.clientId ?? '')
  const { tokenUrl } = await entra()
  const http = createBoundedClient({ ...azureLimits, ...config.timeouts.azure })
  // What it would log is checked here.
  const authentication = createClientAuthentication({ config, http, audit: () => undefined })
  try {
    const response = await authentication[app](
      (clientAuth) =>
        toMicrosoft.post(
          tokenUrl,
          new URLSearchParams({
            grant_type: 'client_credentials',
            client_id: clientId,
            scope: defaultScope(config),
            ...clientAuth,
          }).toString(),
          { 'content-type': 'application/x-www-form-urlencoded' },
        ),
      deadlineIn(credentialTimeoutMs),
    )
    return judgeCredential(response, clientId)
  } catch (error) {
    if (!(error instanceof Failure) || error.reason !== 'credential_unavailable') throw error
    return judgeUnavailable(error)
  } finally {
    await http.close()
  }
}

export function judgeUnavailable({ details }: Pick<Failure, 'details'>): Outcome {
  const cause = details.cause instanceof CredentialError ? details.cause.message : 'unusable'
  return failure(`Credential unavailable: ${cause}.`, 'See docs/setup-entra.md#credentials for what each kind needs.')
}

/** The certificate of the server's app, where it is in a file: readable, valid, and not expiring soon. */
export const certificateFile: Check = {
  name: 'certificate file',
  unless: (context) =>
    noConfiguration(context) ??
    (context.config?.entra.credential.kind === 'certificate_file'
      ? undefined
      : 'the credential is not a certificate file'),
  async run({ config, now }) {
    const credential = config?.entra.credential
    if (credential?.kind !== 'certificate_file') return skipped('the credential is not a certificate file')
    try {
      const { certificateExpiresAtMs } = readSigner(await readFile(credential.path, 'utf8'), credential.path)
      return judgeExpiry(certificateExpiresAtMs, now())
    } catch (error) {
      if (error instanceof CredentialError)
        return failure(
          `${error.message}.`,
          'Replace it there and in the app registration: npm run ops -- register server --certificate.',
        )
      const { code = 'unknown' } = error as NodeJS.ErrnoException
      return failure(
        `${credential.path} cannot be read (${code}).`,
        'Check GRAPH_CLIENT_CERT_PATH, and who may read the file.',
      )
    }
  },
}

export function judgeExpiry(expiresAtMs: number | undefined, now: number): Outcome {
  if (expiresAtMs === undefined) return ok('readable; no expiry date')
  const days = Math.floor((expiresAtMs - now) / dayMs)
  const date = new Date(expiresAtMs).toISOString().slice(0, 10)
  if (days >= warnDays) return ok(`valid until ${date} (${days} days)`)
  return warning(
    `Expires in ${days} days, on ${date}.`,
    'Replace it there and in the app registration: npm run ops -- register server --certificate.',
  )
}

/** What to do when Entra rejects the app itself, by AADSTS code. */
const fixes: Readonly<Record<string, string>> = {
  AADSTS7000215: 'The secret is wrong. Set its value, not its id: it is shown once, when the secret is created.',
  AADSTS7000222: 'The secret has expired: create another (npm run ops -- register server --renew-secret) and set it.',
  AADSTS7000218: 'No credential was sent: set one in the configuration.',
  AADSTS700027:
    'The app registration does not have this certificate: upload it (npm run ops -- register server --certificate).',
  AADSTS700024: 'The assertion is expired or not yet valid: compare the clocks, and the dates of the certificate.',
  AADSTS700211:
    'No federated credential of the app has this issuer: npm run ops -- register server --managed-identity.',
  AADSTS700212:
    'No federated credential of the app has this audience: npm run ops -- register server --managed-identity.',
  AADSTS700213:
    'No federated credential of the app names this identity: npm run ops -- register server --managed-identity.',
  AADSTS700016: 'The app is not in this tenant: check GRAPH_CLIENT_ID and GRAPH_TENANT_ID.',
  AADSTS700038: 'The app is not in this tenant: check GRAPH_CLIENT_ID and GRAPH_TENANT_ID.',
  AADSTS7000112: 'The app is disabled: enable it under Enterprise applications.',
}

export function judgeCredential({ status, headers, body, json }: ProbeResponse, clientId: string): Outcome {
  if (status === 200 && typeof json?.['access_token'] === 'string') return ok('Entra accepts it')
  const { reason, details } = exchangeFailure({ status, retryAfter: headers['retry-after'], body }, '')
  const { aadsts } = details
  const code = aadsts ?? `HTTP ${status}`
  const fix = aadsts === undefined ? undefined : fixes[aadsts]
  if (fix !== undefined) return failure(`Entra rejects it for the app ${clientId} (${code}).`, fix)
  if (reason === 'credential_rejected' || reason === 'exchange_misconfigured') {
    return failure(
      `Entra rejects it for the app ${clientId} (${code}).`,
      `https://login.microsoftonline.com/error?code=${aadsts?.slice('AADSTS'.length) ?? ''} explains the code.`,
    )
  }
  return warning(`Could not be tested: ${code} from Entra (${reason}).`, 'Retry; if it persists, look up the code.')
}

/** The resource of the exchange, as this grant asks for it. */
function defaultScope({ entra: { oboScopes: [scope = ''] = [] }, graph }: Config): string {
  const resource = /^(\w+:\/\/[^/]+)/.exec(scope)?.[1] ?? graphResource(graph.baseUrl)
  return `${resource}/.default`
}
