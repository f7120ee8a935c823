// Calls the API three times with openid-client; its hook, modifyAssertion, makes the assertion HelseID wants.
import { readFileSync } from 'node:fs'
import * as client from 'openid-client'

const given = JSON.parse(readFileSync(0, 'utf8'))
const { alg, kid, ...jwk } = given.jwk
const algorithms = {
  PS256: { name: 'RSA-PSS', hash: 'SHA-256' },
  RS256: { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' },
  ES256: { name: 'ECDSA', namedCurve: 'P-256' },
}
const key = await crypto.subtle.importKey('jwk', jwk, algorithms[alg], false, ['sign'])
const authentication = client.PrivateKeyJwt({ key, kid }, {
  [client.modifyAssertion]: (header, payload) => {
    header.typ = 'client-authentication+jwt'
    Object.assign(payload, given.claims, { aud: given.issuer, exp: payload.iat + 10, nbf: payload.iat })
  },
})
const config = await client.discovery(new URL(given.issuer), given.client_id, {}, authentication, {
  execute: [client.allowInsecureRequests],
})
const DPoP = client.getDPoPHandle(config, await client.randomDPoPKeyPair('ES256'))
const token = await client.clientCredentialsGrant(config, { scope: given.scope }, { DPoP })
const responses = []
for (let i = 0; i < 3; i++) {
  const url = new URL(given.api_url)
  const response = await client.fetchProtectedResource(config, token.access_token, url, 'GET', undefined, undefined, { DPoP })
  responses.push(await response.json())
}
console.log(JSON.stringify(responses))
