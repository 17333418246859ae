export interface AadstsEntry {
  /** Defaults to 400. */
  readonly status?: number
  /** The OAuth error (RFC 6749 §5.2, or one of Microsoft's own). */
  readonly error: string
  /** The text after `AADSTSn: `; `{word}` is a placeholder. */
  readonly text: string
  readonly suberror?: string
  /** The error has a link to Entra's error page. */
  readonly lookup?: true
}

const invalidClient = { status: 401, error: 'invalid_client', lookup: true } as const

const mustEnrol =
  'Due to a configuration change made by your administrator, or because you moved to a new location, you must enroll in multi-factor authentication to access '
const mustUseMfa =
  'Due to a configuration change made by your administrator, or because you moved to a new location, you must use multi-factor authentication to access '

/**
 * Entra's errors by number.
 * Numbers and wording: https://learn.microsoft.com/entra/identity-platform/reference-error-codes
 */
export const AADSTS: ReadonlyMap<number, AadstsEntry> = new Map(
  Object.entries<AadstsEntry>({
    // The tenant and the application
    90002: {
      error: 'invalid_request',
      text: "Tenant '{tenant}' not found. Check to make sure you have the correct tenant ID and are signing into the correct cloud.",
    },
    900023: {
      error: 'invalid_request',
      text: "Specified tenant identifier '{tenant}' is neither a valid DNS name, nor a valid external domain.",
    },
    50194: {
      error: 'invalid_request',
      text: "Application '{app}'({name}) is not configured as a multi-tenant application. Usage of the /{segment} endpoint is not supported for such applications. Use a tenant-specific endpoint.",
    },
    700016: {
      error: 'unauthorized_client',
      text: "Application with identifier '{app}' was not found in the directory '{tenant}'.",
      lookup: true,
    },
    700038: { error: 'unauthorized_client', text: '{app} is not a valid application identifier.', lookup: true },
    650056: {
      error: 'invalid_client',
      text: 'Misconfigured application. The client has not listed any permissions for the resource in the requested permissions in its application registration.',
    },
    650057: {
      error: 'invalid_resource',
      text: "Invalid resource. The client has requested access to a resource which is not listed in the requested permissions in the client's application registration.",
    },
    90009: {
      error: 'invalid_request',
      text: "Application '{app}'({name}) is requesting a token for itself. This scenario is supported only if resource is specified using the GUID based App Identifier.",
    },

    // The client's credential
    700024: { ...invalidClient, text: 'Client assertion is not within its valid time range.' },
    700027: {
      ...invalidClient,
      text: "The certificate with identifier used to sign the client assertion is not registered on application. [Reason - The key was not found., Please visit the Azure Portal for more information about application '{app}'.]",
    },
    50027: { ...invalidClient, text: 'JWT token is invalid or malformed.' },
    70021: { ...invalidClient, text: 'No matching federated identity record found for presented assertion.' },
    700211: { ...invalidClient, text: 'No matching federated identity record found for presented assertion issuer.' },
    700212: { ...invalidClient, text: 'No matching federated identity record found for presented assertion audience.' },
    700213: { ...invalidClient, text: 'No matching federated identity record found for presented assertion subject.' },
    7000215: {
      ...invalidClient,
      text: "Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the client secret ID, for a secret added to app '{app}'.",
    },
    7000216: {
      ...invalidClient,
      text: "'client_assertion', 'client_secret' or 'request' is required for the 'client_credentials' grant type.",
    },
    7000218: {
      ...invalidClient,
      text: "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.",
    },
    7000222: {
      ...invalidClient,
      text: "The provided client secret keys for app '{app}' are expired. Visit the Azure portal to create new keys for your app, or consider using certificate credentials for added security.",
    },
    700025: {
      ...invalidClient,
      text: "Client is public so neither 'client_assertion' nor 'client_secret' should be presented.",
    },

    // The shape of a request
    900144: { error: 'invalid_request', text: "The request body must contain the following parameter: '{parameter}'." },
    9000411: {
      error: 'invalid_request',
      text: "The request is not properly formatted. The parameter '{parameter}' is duplicated.",
    },
    9002313: { error: 'invalid_request', text: 'Invalid request. Request is malformed or invalid.', lookup: true },
    70003: {
      error: 'unsupported_grant_type',
      text: "The app requested an unsupported grant type '{grant}'.",
      lookup: true,
    },
    70007: {
      error: 'invalid_request',
      text: "'{mode}' is not a supported value of 'response_mode' when requesting a token.",
    },
    700054: {
      error: 'unsupported_response_type',
      text: "response_type '{type}' is not enabled for the application.",
      lookup: true,
    },
    90023: { error: 'invalid_request', text: "Unsupported 'prompt' value." },
    901002: { error: 'invalid_request', text: "The 'resource' request parameter is not supported." },
    9010010: {
      error: 'invalid_target',
      text: "The resource parameter provided in the request doesn't match with the requested scopes.",
    },

    165000: {
      status: 403,
      error: 'invalid_request',
      text: 'Invalid Request: The request tokens do not match the user context. Do not copy the user context values (cookies; form fields; headers) between different requests or user sessions.',
    },

    // Redirects
    50011: {
      error: 'invalid_request',
      text: "The redirect URI '{redirect}' specified in the request does not match the redirect URIs configured for the application '{app}'. Make sure the redirect URI sent in the request matches one added to your application in the Azure portal.",
    },
    500112: {
      error: 'invalid_grant',
      text: "The reply address '{redirect}' does not match the reply address provided when requesting Authorization code.",
    },
    900971: { error: 'invalid_request', text: 'No reply address provided.' },

    // Codes and PKCE
    50147: { error: 'invalid_request', text: 'Missing code challenge.' },
    501491: { error: 'invalid_request', text: 'Invalid size of Code_Challenge parameter.' },
    501481: {
      error: 'invalid_grant',
      text: 'The Code_Verifier does not match the code_challenge supplied in the authorization request.',
      lookup: true,
    },
    9002325: {
      error: 'invalid_request',
      text: 'Proof Key for Code Exchange is required for cross-origin authorization code redemption.',
    },
    9002326: {
      error: 'invalid_request',
      text: "Cross-origin token redemption is permitted only for the 'Single-Page Application' client-type.",
    },
    9002327: {
      error: 'invalid_request',
      text: "Tokens issued for the 'Single-Page Application' client-type may only be redeemed via cross-origin requests.",
    },
    54005: {
      error: 'invalid_grant',
      text: 'OAuth2 Authorization code was already redeemed, please retry with a new valid code or use an existing refresh token.',
      lookup: true,
    },
    70000: { error: 'invalid_grant', text: 'The provided value for the input parameter is not valid.', lookup: true },
    70008: {
      error: 'invalid_grant',
      text: 'The provided authorization code or refresh token has expired due to inactivity. Send a new interactive authorization request for this user and resource.',
      lookup: true,
    },
    700082: { error: 'invalid_grant', text: 'The refresh token has expired due to inactivity.', suberror: 'bad_token' },
    700084: {
      error: 'invalid_grant',
      text: 'The refresh token was issued to a single page app (SPA), and therefore has a fixed, limited lifetime of 1.00:00:00, which cannot be extended. It is now expired and a new sign in request must be sent by the SPA to the sign in page.',
    },

    // Device codes
    70016: {
      error: 'authorization_pending',
      text: 'OAuth 2.0 device flow error. Authorization is pending. Continue polling.',
      lookup: true,
    },
    70018: {
      error: 'bad_verification_code',
      text: 'Invalid verification code due to User typing in wrong user code for device code flow.',
      lookup: true,
    },
    70020: {
      error: 'expired_token',
      text: "The provided value for the input parameter 'device_code' is not valid. This device code has expired.",
      lookup: true,
    },
    // Scopes and resources
    28000: {
      error: 'invalid_request',
      text: 'Provided value for the input parameter scope is not valid because it contains more than one resource. Scope {scope} is not valid.',
    },
    28003: {
      error: 'invalid_request',
      text: "Provided value for the input parameter scope can't be empty when requesting an access token using the provided authorization code. Please specify a valid scope.",
    },
    70011: {
      error: 'invalid_scope',
      text: "The provided request must include a 'scope' input parameter. The provided value for the input parameter 'scope' is not valid. The scope {scope} is not valid.",
      lookup: true,
    },
    1002012: {
      error: 'invalid_scope',
      text: 'The provided value for scope {scope} is not valid. Client credential flows must have a scope value with /.default suffixed to the resource identifier (application ID URI).',
    },
    500011: {
      error: 'invalid_resource',
      text: 'The resource principal named {resource} was not found in the tenant named {tenant}. This can happen if the application has not been installed by the administrator of the tenant or consented to by any user in the tenant. You might have sent your authentication request to the wrong tenant.',
      lookup: true,
    },
    650053: {
      error: 'invalid_client',
      text: "The application '{name}' asked for scope '{scope}' that doesn't exist on the resource '{resource}'. Contact the app vendor.",
      lookup: true,
    },

    // Consent
    65001: {
      error: 'invalid_grant',
      text: "The user or administrator has not consented to use the application with ID '{app}' named '{name}'. Send an interactive authorization request for this user and resource.",
      suberror: 'consent_required',
      lookup: true,
    },
    65004: { error: 'access_denied', text: 'User declined to consent to access the app.', lookup: true },
    90094: {
      error: 'invalid_grant',
      text: "Admin consent is required for the permissions requested by this application '{app}'.",
      suberror: 'consent_required',
    },

    // The assertion of an On-Behalf-Of exchange
    50013: {
      error: 'invalid_grant',
      text: 'Assertion failed signature validation. [Reason - {reason}]',
      lookup: true,
    },
    500131: {
      error: 'invalid_grant',
      text: "Assertion audience does not match the Client app presenting the assertion. The audience in the assertion was '{audience}' and the expected audience is '{expected}' or one of the Application Uris of this application with App ID '{app}'({name}). The downstream client must request a token for the expected audience (the application that made the OBO request) and this application should use that token as the assertion.",
    },
    500133: {
      error: 'invalid_grant',
      text: 'Assertion is not within its valid time range. Ensure that the access token is not expired before using it for user assertion, or request a new token. Current time: {now}, expiry time of assertion {expiry}.',
      lookup: true,
    },
    240002: {
      error: 'invalid_request',
      text: "Input id_token cannot be used as 'urn:ietf:params:oauth:grant-type:jwt-bearer' grant.",
    },
    7000114: {
      error: 'invalid_grant',
      text: "Application '{app}' is not allowed to make application on-behalf-of calls.",
    },
    50132: {
      error: 'invalid_grant',
      text: 'The session is not valid due to password expiration or recent password change.',
    },
    50133: {
      error: 'invalid_grant',
      text: 'The session is not valid due to password expiration or recent password change.',
    },
    50173: {
      error: 'invalid_grant',
      text: 'The provided grant has expired due to it being revoked, a fresh auth token is needed. The user might have changed or reset their password.',
      suberror: 'bad_token',
      lookup: true,
    },
    70043: {
      error: 'invalid_grant',
      text: 'The refresh token has expired or is invalid due to sign-in frequency checks by conditional access.',
      suberror: 'token_expired',
      lookup: true,
    },

    // The user
    50020: {
      error: 'invalid_grant',
      text: "User account from identity provider does not exist in tenant '{tenant}' and cannot access the application '{app}'.",
    },
    50034: {
      error: 'invalid_grant',
      text: 'The user account {user} does not exist in the {tenant} directory. To sign into this application, the account must be added to the directory.',
    },
    50057: { error: 'invalid_grant', text: 'The user account is disabled.', lookup: true },
    50058: {
      error: 'login_required',
      text: 'A silent sign-in request was sent but no user is signed in.',
      lookup: true,
    },
    50105: {
      error: 'invalid_grant',
      text: "Your administrator has configured the application {name} ('{app}') to block users unless they are specifically granted ('assigned') access to the application. The signed in user '{user}' is blocked because they are not a direct member of a group with access, nor had access directly assigned by an administrator.",
      lookup: true,
    },

    // Conditional Access
    50076: { error: 'invalid_grant', text: `${mustUseMfa}'{resource}'.`, suberror: 'basic_action', lookup: true },
    50079: { error: 'interaction_required', text: `${mustEnrol}'{resource}'.`, lookup: true },
    50158: {
      error: 'interaction_required',
      text: 'External security challenge not satisfied. User will be redirected to another page or authentication provider to satisfy additional authentication challenges.',
      lookup: true,
    },
    53000: {
      error: 'interaction_required',
      text: 'Device is not in required device state: compliant. Conditional Access policy requires a compliant device, and the device is not compliant.',
      lookup: true,
    },
    53001: {
      error: 'interaction_required',
      text: 'Device is not in required device state: domain_joined. Conditional Access policy requires a domain joined device, and the device is not domain joined.',
      lookup: true,
    },
    53002: {
      error: 'interaction_required',
      text: 'Application is not an approved app. Conditional Access policy requires one of the approved apps.',
      lookup: true,
    },
    53003: {
      error: 'interaction_required',
      text: 'Access has been blocked by Conditional Access policies. The access policy does not allow token issuance.',
      suberror: 'message_only',
      lookup: true,
    },

    // Entra's own troubles
    50196: {
      error: 'invalid_grant',
      text: 'The server terminated an operation because it encountered a client request loop. Please contact your app vendor.',
      lookup: true,
    },
    90033: {
      status: 503,
      error: 'temporarily_unavailable',
      text: 'A transient error has occurred. Please try again.',
      lookup: true,
    },
  }).map(([code, entry]) => [Number(code), entry]),
)
