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
import { failure, type Opinion, ok, skipped, warning } from './finding.ts'
import type { Answer } from './probe.ts'

/** For a credential: a vault and an identity may be slow, and whoever waits has asked for it. */
const longestWaitMs = 30_000

const dayMs = 24 * 60 * 60 * 1000
/** Time for whoever reads the warning to get a new one into a deployment; the server itself warns as early. */
const fewDays = 30

const noConfiguration = ({ config, env }: Context) =>
  config !== undefined
    ? undefined
    : env === undefined
      ? 'only a deployment is examined; --env-file names a configuration'
      : 'the configuration has to be mended first'

/**
 * Entra takes the credential of the server's app. It is tried by the client credentials grant (RFC 6749 section 4.4),
 * which needs no user and no permission; the token that comes is looked at by nobody.
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
  unless: (context) =>
    noConfiguration(context) ?? (isOneApp(context) ? 'users sign in to the server’s own app' : undefined),
  run: (context) => tryApp(context, 'signIn'),
}

function isOneApp({ config }: Context): boolean {
  return config?.oauthProxy === undefined || config.oauthProxy.clientId === config.entra.clientId
}

/** @param app as whom the server proves itself: as the API, or as the app that users sign in to */
async function tryApp({ io, config, entra, toMicrosoft }: Context, app: 'api' | 'signIn'): Promise<Opinion> {
  if (config === undefined) return skipped('there is no configuration')
  const { credential } = app === 'api' ? config.entra : (config.oauthProxy ?? config.entra)
  if (!/^(secret|certificate_file)$/.test(credential.kind) && !io.env['IDENTITY_ENDPOINT']) {
    // As Container Apps and App Service name their endpoint.
    return skipped('it takes a managed identity, which is only where the server runs: run doctor there')
  }
  const clientId = app === 'api' ? config.entra.clientId : (config.oauthProxy?.clientId ?? '')
  const { tokenUrl } = await entra()
  const http = createBoundedClient({ ...azureLimits, ...config.timeouts.azure })
  // What it would log is what is judged here.
  const authentication = createClientAuthentication({ config, http, audit: () => undefined })
  try {
    const answer = await authentication[app](
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
      deadlineIn(longestWaitMs),
    )
    return judgeCredential(answer, clientId)
  } catch (error) {
    if (!(error instanceof Failure) || error.reason !== 'credential_unavailable') throw error
    return judgeUnavailable(error)
  } finally {
    await http.close()
  }
}

export function judgeUnavailable({ details }: Pick<Failure, 'details'>): Opinion {
  const why = details.cause instanceof CredentialError ? details.cause.message : 'it cannot be used'
  return failure(`It cannot be had: ${why}.`, 'The README’s Configuration says what each kind of credential needs.')
}

/** The certificate of the server's app, where it is in a file: readable, good now, and good for a while. */
export const certificateFile: Check = {
  name: 'certificate file',
  unless: (context) =>
    noConfiguration(context) ??
    (context.config?.entra.credential.kind === 'certificate_file'
      ? undefined
      : 'the credential is no certificate in a file'),
  async run({ config, now }) {
    const credential = config?.entra.credential
    if (credential?.kind !== 'certificate_file') return skipped('the credential is no certificate in a file')
    try {
      const { certificateExpiresAtMs } = readSigner(await readFile(credential.path, 'utf8'), credential.path)
      return judgeExpiry(certificateExpiresAtMs, now())
    } catch (error) {
      if (error instanceof CredentialError)
        return failure(
          `${error.message}.`,
          'Put a new one there, and into the app registration: npm run ops -- register server --certificate.',
        )
      const { code = 'unknown' } = error as NodeJS.ErrnoException
      return failure(
        `${credential.path} cannot be read (${code}).`,
        'Check GRAPH_CLIENT_CERT_PATH, and who may read the file.',
      )
    }
  },
}

export function judgeExpiry(expiresAtMs: number | undefined, now: number): Opinion {
  if (expiresAtMs === undefined) return ok('it can be read; its end is not known')
  const days = Math.floor((expiresAtMs - now) / dayMs)
  const date = new Date(expiresAtMs).toISOString().slice(0, 10)
  if (days >= fewDays) return ok(`good until ${date} (${days} days)`)
  return warning(
    `It ends in ${days} days, on ${date}.`,
    'Put a new one there, and into the app registration: npm run ops -- register server --certificate.',
  )
}

/** What to do about a refusal of the app itself, by its AADSTS number. */
const mends: Readonly<Record<number, string>> = {
  7000215: 'The secret is wrong. Set its value, not its id: it is shown once, when the secret is made.',
  7000222: 'The secret has expired: make another (npm run ops -- register server --renew-secret) and set it.',
  7000218: 'No credential was sent: set one in the configuration.',
  700027:
    'The app registration does not have this certificate: upload it (npm run ops -- register server --certificate).',
  700024: 'The assertion is out of time: compare the clocks, and the dates of the certificate.',
  700211: 'No federated credential of the app has this issuer: npm run ops -- register server --managed-identity.',
  700212: 'No federated credential of the app has this audience: npm run ops -- register server --managed-identity.',
  700213: 'No federated credential of the app names this identity: npm run ops -- register server --managed-identity.',
  700016: 'The app is not in this tenant: check GRAPH_CLIENT_ID and GRAPH_TENANT_ID.',
  700038: 'The app is not in this tenant: check GRAPH_CLIENT_ID and GRAPH_TENANT_ID.',
  7000112: 'The app is disabled: enable it under Enterprise applications.',
}

export function judgeCredential({ status, headers, body, json }: Answer, clientId: string): Opinion {
  if (status === 200 && typeof json?.['access_token'] === 'string') return ok('Entra takes it')
  const { reason, details } = exchangeFailure({ status, retryAfter: headers['retry-after'], body }, '')
  const { error_codes: codes = [] } = details.cause as { error_codes?: readonly number[] }
  const [code] = codes
  const number = code === undefined ? `HTTP ${status}` : `AADSTS${code}`
  const mend = code === undefined ? undefined : mends[code]
  if (mend !== undefined) return failure(`Entra refuses it for the app ${clientId} (${number}).`, mend)
  if (reason === 'credential_refused' || reason === 'exchange_misconfigured') {
    return failure(
      `Entra refuses it for the app ${clientId} (${number}).`,
      `https://login.microsoftonline.com/error?code=${code ?? ''} says what the number means.`,
    )
  }
  return warning(
    `It could not be tried: Entra answered ${number} (${reason}).`,
    'Try again; if it lasts, see what the number means.',
  )
}

/** The resource of the exchange, as this grant asks for it. */
function defaultScope({ entra: { oboScopes: [scope = ''] = [] }, graph }: Config): string {
  const resource = /^(\w+:\/\/[^/]+)/.exec(scope)?.[1] ?? graphResource(graph.baseUrl)
  return `${resource}/.default`
}
