import { type Static, type TProperties, Type } from 'typebox'
import { catalogue, type Reason } from '../../errors/index.ts'

type Level = 'debug' | 'info' | 'warn' | 'error' | 'fatal'

const text = (description: string) => Type.String({ description })
const number = (description: string) => Type.Number({ description })
const whole = (description: string) => Type.Integer({ description })
const optional = Type.Optional

const user = text('The user: a hash of tenant and object id, the same in every line')
const client = text('The client application: an Entra client id, or a hash of one that the OAuth proxy issued')
const reason = Type.Enum(Object.keys(catalogue) as Reason[], { description: 'A reason of [errors.md](errors.md)' })
const noResponse = optional(
  Type.Enum(['timeout', 'cancelled', 'too_large', 'unreachable'], { description: 'Why there was no response' }),
)
const err = Type.Unknown({
  description: 'The cause: an error with its stack, or the names, codes and ids of Entra’s error',
})

const event = <Fields extends TProperties>(level: Level, message: string, description: string, fields: Fields) => ({
  level,
  message,
  description,
  fields: Type.Object(fields),
})

/** An event of a request, or of something that may be. */
const requestEvent = <Fields extends TProperties>(level: Level, message: string, description: string, fields: Fields) =>
  event(level, message, description, {
    requestId: optional(text('The request’s id; Entra and Graph know it as `client-request-id`')),
    traceId: optional(text('The trace that the request is part of; tracing only')),
    ...fields,
  })

/** The server's own credential, without anything secret. */
const credential = {
  kind: text('Its kind: `certificate_file`, `vault_key`, `vault_secret` or `managed_identity`'),
  thumbprint: optional(text('The certificate’s thumbprint')),
  certificateExpires: optional(text('When the certificate expires (ISO 8601)')),
}

/** Every event that this server logs: its level, when it is logged, and its fields. Nothing in them is secret. */
export const events = {
  // Calls.
  request: requestEvent(
    'info',
    'request',
    'A request ended. At `warn` with `err` where the response could not be sent; at `debug` for a successful probe',
    {
      method: text('The HTTP method; `none` for an unreadable request'),
      route: text('The route’s pattern; `none` without one'),
      status: whole('The HTTP status; 499 where the client closed the connection'),
      ms: number('Duration in milliseconds'),
      user: optional(user),
      client: optional(client),
      rpcMethod: optional(text('The JSON-RPC method; `other` for methods that MCP does not have')),
      tool: optional(text('The tool that was called')),
      outcome: optional(reason),
      ageSeconds: optional(whole('Age of the result in seconds, where it came from the cache and not from Graph')),
      err: optional(err),
    },
  ),
  auth_success: requestEvent('info', 'token verified', 'A token was verified. Not again while it is cached', {
    user,
    client,
  }),
  auth_failure: requestEvent('warn', 'token rejected', 'A token was rejected, or could not be verified', { reason }),
  obo_success: requestEvent('info', 'token exchanged', 'Entra issued a Graph token for a user', {
    user,
    ms: number('Duration of the exchange with retries, in milliseconds'),
  }),
  obo_failure: requestEvent(
    'warn',
    'token exchange failed',
    'Entra issued no Graph token. At `error` where the cause is this server’s credential or configuration',
    {
      user,
      reason,
      ms: number('Duration of the exchange with retries, in milliseconds'),
      err: optional(err),
    },
  ),
  graph_call: requestEvent('info', 'Graph called', 'Graph was called for a user: one line for each attempt', {
    user: optional(user),
    tool: optional(text('The tool that called')),
    path: text('The path, without the query'),
    attempt: whole('1 for the first'),
    ms: number('Duration of this attempt, in milliseconds'),
    status: optional(whole('Graph’s HTTP status')),
    outcome: noResponse,
    why: optional(
      text('Graph’s code of an error, such as `Forbidden`, or what the network did, such as `ECONNREFUSED`'),
    ),
    graphRequestId: optional(text('Graph’s `request-id`, which Microsoft’s support asks for')),
  }),
  roadmap_call: event('info', 'roadmap read', 'The feed of the public roadmap was read, for everybody who asks', {
    ids: whole('How many items were asked for'),
    ms: number('Duration in milliseconds'),
    status: optional(whole('The feed’s HTTP status')),
    outcome: noResponse,
    why: optional(text('What the network did, such as `ECONNREFUSED`')),
  }),
  graph_quota_exceeded: requestEvent(
    'warn',
    'Graph quota exceeded',
    'Graph was not called: its quota for the tenant, or this user’s share of it, is used up',
    {
      user: optional(user),
      tool: optional(text('The tool that called')),
      window: Type.Enum(['minute', 'hour'], { description: 'The window of the quota' }),
      scope: Type.Enum(['user', 'tenant'], {
        description: 'Whether the user’s share of it is used, or the tenant’s whole',
      }),
      seconds: whole('Time until the next call is allowed'),
    },
  ),
  graph_paused: event('warn', 'calls to Graph paused', 'Graph throttles this app; once for each pause', {
    seconds: whole('Duration of the pause'),
    source: Type.Enum(['graph', 'replica'], { description: 'Where it comes from: Graph itself, or another replica' }),
  }),
  rate_limit: requestEvent('warn', 'rate limit exceeded', 'A request was rejected by a rate limit', {
    by: Type.Enum(['address', 'user', 'registration', 'concurrency'], {
      description: 'What was counted; `concurrency`: requests in flight of one user or address',
    }),
    user: optional(user),
  }),
  failure: requestEvent(
    'error',
    'call failed',
    'A request ended with a 5xx. `overloaded`: it was rejected so that others are served in good time, and `err` says why',
    { reason, err },
  ),
  lines_omitted: event(
    'warn',
    'log lines omitted',
    'Of each kind of rejection, ten lines a second are logged. The rest are at `debug`, metrics count them, and this line says how many they were',
    {
      of: text('The event: `request` from status 400 on, `auth_failure`, `sign_in_failure`, `rate_limit` or `failure`'),
      what: text('The status, reason or limit'),
      lines: whole('How many lines of that second were omitted'),
    },
  ),
  mcp_message_rejected: event('debug', 'MCP message rejected', 'A message is not valid MCP', {
    why: text('The SDK’s code for it'),
  }),

  // The OAuth proxy.
  client_registered: requestEvent('info', 'client registered', 'An application registered itself as a client', {
    redirectUris: whole('How many redirect URIs it registered'),
  }),
  authorize: requestEvent(
    'info',
    'sign-in',
    'A browser was redirected to Entra, with the operator’s or an earlier consent',
    { client },
  ),
  consent_asked: requestEvent('info', 'sign-in', 'The consent page was shown', { client }),
  consent_given: requestEvent('info', 'sign-in', 'The user consented, and was redirected to Entra', { client }),
  consent_denied: requestEvent('info', 'sign-in', 'The user denied consent', { client }),
  sign_in: requestEvent('info', 'sign-in', 'Entra signed the user in; the application was sent a code', { client }),
  sign_in_failure: requestEvent('warn', 'sign-in failed', 'A step of a sign-in failed', {
    client: optional(client),
    reason,
    aadsts: optional(text('Entra’s error code')),
    redirectUri: optional(text('The redirect URI that was rejected: origin and path')),
    allowLine: optional(
      text('The line for the environment that would allow it. Check whose URI it is before you paste it'),
    ),
    err: optional(err),
  }),
  token_issued: requestEvent('info', 'tokens issued', 'An application was issued tokens', {
    client,
    grant: Type.Enum(['authorization_code', 'refresh_token'], { description: 'The grant' }),
  }),
  seal_key_random: event(
    'warn',
    'MCP_OAUTH_SEAL_KEY is not set: sign-ins end with this process',
    'The server generated a key of its own',
    {},
  ),
  proxy_client_not_allowed: event(
    'warn',
    'MCP_ALLOWED_CLIENT_IDS lacks the app of the OAuth proxy: every user who signs in here is rejected',
    'Two variables conflict',
    { client },
  ),

  // What it depends on.
  credential_loaded: event('info', 'credential loaded', 'A credential is available, or was replaced', credential),
  credential_expires: event(
    'warn',
    'the certificate expires soon: replace it',
    'Once a day, from 30 days before its expiry',
    { ...credential, days: whole('Whole days that are left') },
  ),
  credential_unavailable: event('warn', 'credential unavailable', 'A credential cannot be read or used', {
    kind: credential.kind,
    serving: optional(Type.Boolean({ description: 'Whether the previous one is still in use' })),
    err,
  }),
  keys_loaded: event('info', 'signing keys loaded', 'The tenant’s signing keys have changed', {
    keys: Type.Array(Type.String(), { description: 'The key ids' }),
    removed: Type.Array(Type.String(), { description: 'Keys that were removed or replaced, and are rejected now' }),
  }),
  keys_unavailable: event(
    'warn',
    'signing keys could not be fetched',
    'The last good set stays in use; every 30 seconds at most',
    {
      known: whole('How many keys are known'),
      err,
    },
  ),
  redis_down: event('warn', 'Redis unavailable: this replica continues without it', 'Once for each outage', {
    why: text('The client’s error'),
  }),
  redis_rejected: event(
    'warn',
    'Redis rejects commands: what it should have stored is known to this replica alone',
    'It is full, read-only, or does not permit a command; once a minute at most',
    { why: text('Redis’ error') },
  ),
  redis_up: event('info', 'Redis available again', 'Once, after an outage', {}),
  traces_unavailable: event('warn', 'trace export failed', 'The collector is unavailable or rejects spans; once', {
    why: text('The exporter’s error'),
  }),
  traces_available: event('info', 'trace export resumed', 'Once, when the collector is available again', {}),

  // The process.
  unsafe_setting: event(
    'warn',
    'a setting removes a protection',
    'Once for each at start: a setting that production rejects, an unencrypted connection, or a misspelled variable',
    { name: text('The variable, or `node` for one of Node’s own flags'), message: text('The risk') },
  ),
  listening: event('info', 'listening: clients use this address', 'The process accepts connections', {
    url: text('The address for clients, which must use exactly this one: they compare it with the metadata'),
  }),
  stopping: event('info', 'stopping: calls in flight finish', 'The process received a signal to stop', {
    signal: optional(text('The signal')),
  }),
  log_resumed: event(
    'warn',
    'log resumed: lines before this one were dropped',
    'Standard output accepts lines again, and some were dropped: a full disk, a closed pipe, a blocked reader',
    {
      lines: whole('How many were dropped'),
      why: text('The system’s error code, such as `ENOSPC`; `EAGAIN` for a blocked reader'),
    },
  ),
  crash: event('fatal', 'crash: the process stops', 'An uncaught error', { err }),
} as const

export type EventName = keyof typeof events
type Fields<Name extends EventName> = OrUndefined<Static<(typeof events)[Name]['fields']>>
/** Pino leaves out what is undefined. */
type OrUndefined<T> = { [Key in keyof T]: T[Key] | (Record<never, never> extends Pick<T, Key> ? undefined : never) }

/**
 * Logs an event and calls its listeners.
 *
 * @param override another level or message than the event's usual one
 */
export type Audit = <Name extends EventName>(name: Name, fields: Fields<Name>, override?: Override) => void
interface Override {
  readonly level?: Level
  readonly message?: string
}

/** Callbacks by the event that they are for. */
export type AuditListeners = { readonly [Name in EventName]?: (fields: Fields<Name>) => void }

type AuditSink = Readonly<Record<Level, (fields: object, message: string) => void>>

/** The one way to log an event. Metrics listen here, so that what is counted is what was logged. */
export function createAudit() {
  const listening: AuditListeners[] = []
  return {
    write<Name extends EventName>(
      log: AuditSink,
      name: Name,
      fields: Fields<Name>,
      { level = events[name].level, message = events[name].message }: Override = {},
    ) {
      log[level]({ event: name, ...fields }, message)
      for (const listeners of listening) listeners[name]?.(fields)
    },
    listen(listeners: AuditListeners) {
      listening.push(listeners)
    },
  }
}
