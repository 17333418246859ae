import { type Static, Type } from 'typebox'

/** A fault at an endpoint, until it is cleared or used up. */
export const FaultRule = Type.Object(
  {
    target: Type.Enum(['keys', 'discovery', 'authorize', 'token', 'devicecode', 'graph', 'identity', 'roadmap']),
    kind: Type.Enum([
      'status',
      'delay',
      'hang',
      'reset',
      'html',
      'truncated',
      'empty-object',
      'wrong-types',
      'huge',
      'endless',
      'gzip-bomb',
      'redirect',
      'aadsts',
      'graph-error',
    ]),
    status: Type.Optional(Type.Integer({ minimum: 200, maximum: 599 })),
    /** An AADSTS number, or one of Graph's error codes. */
    code: Type.Optional(Type.Union([Type.Integer({ minimum: 1 }), Type.String({ minLength: 1 })])),
    /** Seconds, or an HTTP date (RFC 9110 §10.2.3). */
    retryAfter: Type.Optional(Type.Union([Type.Integer({ minimum: 0 }), Type.String({ minLength: 1 })])),
    /** Delay before the fault; for any kind. */
    delayMs: Type.Optional(Type.Integer({ minimum: 0 })),
    /** How often it applies; unlimited by default. */
    times: Type.Optional(Type.Integer({ minimum: 1 })),
    /** Only requests with this HTTP method. */
    method: Type.Optional(Type.Enum(['GET', 'POST', 'PATCH', 'DELETE'])),
    /** Only this user's Graph requests and grants: an object id or user principal name. */
    user: Type.Optional(Type.String({ minLength: 1 })),
    grant: Type.Optional(
      Type.Enum(['authorization_code', 'refresh_token', 'on_behalf_of', 'client_credentials', 'device_code']),
    ),
    body: Type.Optional(Type.Unknown()),
    location: Type.Optional(Type.String({ minLength: 1 })),
    /** The claims request of an AADSTS error, as JSON text. */
    claims: Type.Optional(Type.String({ minLength: 1 })),
    /** Replaces the suberror of the AADSTS number; `null` omits it. */
    suberror: Type.Optional(Type.Union([Type.String({ minLength: 1 }), Type.Null()])),
  },
  { additionalProperties: false },
)
export type FaultRule = Static<typeof FaultRule>
