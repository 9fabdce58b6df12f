export type {
  AuthorityEnvironment,
  AuthorityOptions,
  CertificateAuthority,
  CertificateOptions,
  CrlOptions,
  IssueOptions,
  IssuedCertificate,
  IssuedCrl,
  RawExtension,
  RevocationReason,
  RevokedCertificate,
} from './authority-types.ts';
export { createCertificateAuthority, loadCertificateAuthority } from './certificate-authority.ts';
export { type CertificateDescription, describeCertificate } from './certificate-description.ts';
export {
  CHAIN_FAILURE_REASONS,
  CertificateError,
  type CertificateFailure,
  type ChainFailureReason,
  requirementOf,
} from './certificate-failure.ts';
export { type ChainCheckOptions, type ChainCheckResult, checkChain } from './chain-check.ts';
export {
  type Credential,
  type CredentialFiles,
  type CredentialSource,
  loadCredential,
  readCredential,
} from './credential.ts';
export { type Identity, type IdentityResult, identityOf } from './identity.ts';
export { keyAlgorithmOf, rsaBitsOf } from './key-algorithm.ts';
export { type KeyAlgorithm, type UnsafeKeyAlgorithm, generatePrivateKey } from './key-pair.ts';
export { type CertificateRole, type LeafProfileResult, checkLeafProfile } from './leaf-profile.ts';
export { KEY_USAGE_BITS, type KeyUsageName, type SubjectAltName } from './parsed-certificate.ts';
export { encodePem, parseCertificatesPem, parseCrls } from './pem.ts';
export type { RevocationPolicy } from './revocation-check.ts';
export type { SignatureHash } from './signing-key.ts';
