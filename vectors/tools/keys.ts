/**
 * TEST KEYS. They are public, stand in every copy of this repository and must never sign anything that is meant to be trusted.
 *
 * Ed25519 and elliptic-curve keys are derived from their names; RSA keys, which cannot be, are written down.
 */
import { createPrivateKey } from 'node:crypto';
import type { JsonWebKey, KeyObject } from 'node:crypto';
import { p256, p384, p521 } from '@noble/curves/nist.js';
import { octetsFor } from './octet-source.ts';

const base64url = (octets: Uint8Array): string => Buffer.from(octets).toString('base64url');

const PKCS8_ED25519 = Buffer.from('302e020100300506032b657004220420', 'hex');

/** The Ed25519 key of a name. */
export function ed25519Key(name: string): KeyObject {
  const der = Buffer.concat([PKCS8_ED25519, octetsFor(`ed25519 key ${name}`, 32)]);
  return createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
}

const PKCS8_ED448 = Buffer.from('3047020100300506032b6571043b0439', 'hex');

/** The Ed448 key of a name, which is outside of the profile. */
export function ed448Key(name: string): KeyObject {
  const der = Buffer.concat([PKCS8_ED448, octetsFor(`ed448 key ${name}`, 57)]);
  return createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
}

const CURVES = { 'P-256': p256, 'P-384': p384, 'P-521': p521 } as const;

/** The elliptic-curve key of a name. */
export function ecKey(curve: keyof typeof CURVES, name: string): KeyObject {
  const { getPublicKey, utils, lengths } = CURVES[curve];
  const size = lengths.secretKey ?? 0;
  const secret = octetsFor(`${curve} key ${name}`, size);
  // The highest octet of a P-521 scalar has one bit only.
  if (curve === 'P-521') secret[0] = 0;
  if (!utils.isValidSecretKey(secret)) throw new RangeError(`${name} gives no key on ${curve}`);
  const point = getPublicKey(secret, false);
  const x = base64url(point.subarray(1, 1 + size));
  const y = base64url(point.subarray(1 + size));
  return createPrivateKey({ format: 'jwk', key: { kty: 'EC', crv: curve, x, y, d: base64url(secret) } });
}

const RSA = {
  'rsa-2048-client': {
    n: 'wmIUYoojK_PmxfyYiaa6JgEfYXomnQxGQFDYSon3Nq0KwIV1w8ii3gYv3CwRuQKiD6mYWaLnW1JbTblAbFlGXn1oFaPBJpqZ3kwP5kOR70SlK6eHhos3MzZ-z7tDG2qnzDj294uux7AljWzAe7S95Pa8GbM8q_bVjRva83iylFflgq53TlStTiwjfRuV8yVo71JYRB5j3lFRSrKnZ2zvmxF32QYBFzSStcvggnox7rX5WEIN87f-JJfVfK05cjdm2IbpQd6Waz6zfY499k7h8_cLItGSsrqDlmb7fbqcR1EY8BGwubRv3DZu5htYJ4srIEf1EueL-VnZrnaFzL00nw',
    e: 'AQAB',
    d: 'GPqtSkZxzkr5sR_3OC_ematTmDKwIJwRsQp9PlhBa7DMAhaEc4Q7zb1MzDCLlyir9nL3BYR7fPmgiw85z1Kfn4fiZsQpj5JBdgF0mkS8-FrsFifhW3GrcR-D0ffAtWwSI8Upk4EglOpha62khKEi3_gHDw8V8Qv3aw_qe0GGQq1ZlZJuSfAAOf1fVnOMGylcLQ9ZSjTvLm_JjCNSmHT4uVLQyLwuA5kRI6DdwhZ-ueNUYexSVyg0VGMhvnfzzbk9UnhtA3gxMi1R-r7ex8YzKkbDUl2l5HfHWlUUGAP5zY47HXC2TrEf1btLbzSehvqkJaiS-poNtE1LoznIGXArhQ',
    p: '4nesr1zcarVB-JlMQevZKCemZTiWMXo8V-dPWoY8Nmu2q_HFPig-KkCRELg3sUbkoYi7D6RkBPegBZJqyIKH4G-L5Rf-GQ4NdwNIcm9Yc2QJkMBCop5flBICRosqg2Hf85D0oH1_Y9EHEOQ7zkYKaXRjryKHp24vy0OyKnNnqXM',
    q: '27tPZj7h8OueDFDQBo9cm0o99OmsQaEA_6b-w8Eo5-LnkVD4bH2ZTezl8O3xhR4Kc3rHYb6pUaOIjKc3t8bQuPGvL5gdvXSVHI7_ebVzXbun-2gwFKOEA0G6uRQjt2_W3W5wX-OLt_6q5sEMsQy6Shw3vqfxMnnrQKSHeLYFrSU',
    dp: 'Vx1mBgcYmsui1vhRR0JsRHAMJ_--dsXolH_cHJxqaRzCJh5Ym3Jrh2FS7DWQ5ta4eBLaskewWeDPY5VRElRz5DfEfpneGtE3CMLwiWSfh7PBojby6w81AQZ0baJ29hceSNlH4Lyl1kXADBVflBeJRcuJ1QLZX-SY6f3eeUnvZFU',
    dq: 'yp9VvoFqNJHxsoWq7wGwcfrqWzhIAlUH6LgD4lvy7rKMu7IhA1pmzjcQazXgK9Lh7E9iIL6CwKe-uYVRmgSaYJFt7MOnWRdykV1ENOWgNuVfKDSRcda_W4l3OEhcD0Hwr0yyD5pzMv6Cdju7CmEkQEb5GLUhdFx9FaUiz6t6XIk',
    qi: 'QRZrk1GuuRhn9Nq29OnhkMfTM6src20ahMdz1BFiJqKakiucY5xlI6nLidK60JN2ssAZ6UItShzBAevp-0fQU26WvrvIYtjydthHnFiBYT5Y5XMZZdHFEQ8oBkdUkt7HiFOMgOsEbsq6gk0R5Z20Mq6eX__MCmCdkYCfpRkCVI4',
  },
  'rsa-2048-server': {
    n: 'yT0HemJU281s96r7yrZlKts5jY03nwLeiu8dRO15AamM5zYd_8ph_fGFJrfL_qkLnuNHD0xCf_29ZVUsqfi9YdaAXEKdNa-a49IC-Y9XBFM5ORXrlmbXneIp-jQx3EqSGbsngJZxp47L-SDwaxxNdiDTEqVuyU0crZsXnVAa5qsj5r6EfYFSy5soNTSBjyECfOBlanTp9TH5vYypKtLnJzYOovAwzx1tMonAE-QElVFYLGhS_SfMWrCxxk1nLgxV3B7PkeAQEfnutIlTznFazB0AIIWR-_hzVnem_IRUtHEjedDBKhhJWfQUw37QoGngjGygPFCmVkyDFC9Wory4Yw',
    e: 'AQAB',
    d: 'DmeccpcO_Pbc7x4294E2h6qj7tfQx0SUz9F4QQ1V7-0GOtdbBArQGIs3x-2NyspTRx8nYIHJxtClGdekIqc9TdS6tnVG5zy33nPo0PAA6hHXqELt7K5VjnsjHG0CXq2bJ1VdaVfGMJjI9_8dcTAC9CA7C6bPjIBFERY8yqlya4LBwNkMH5JkdhsOsmMx3ryE-yUew82XBL1vi3x5RclKIrHH6fakIyNTGGvK3zoz1qPZRaOTLKaEZmD3ARMvTiRUr9_cMxfgBWaa-nE3zfAAmhLlWIxLjrfrXLuhxa_fu0JsCKowGoijrKIuV2-FmxUc13X2cRr4WeAVdFEU3_6SNQ',
    p: '7RmKkxTR_GS-l120Zn7px_W-toB4WcT3T-rV2RyVf4Ytw6bvmfzNrmLoNEzU_WhQw40f1KE89tzI1npu9yenVEmDWQH0ktkvtJFulkl6Spv7Rgn1dv1ieAxOOfGFP4SFp3tPDeo1n1eKLpMXZo2FUKodvvoDngpYH5OV-VbBX20',
    q: '2UermY2CmMvTSluTjiEaL2eX42D3tQPBrtIRPYdBh3Z4yyFVr8Nlycsr5NX2JjnaP92VfBmqzTiQGGB-0XO_KDc3kUlBg3bWxp4YkkEr7lKhLlhJGnBd7uJ_AGTB1OefoiJiQw7zFm0paDl9A1IXhqz-gwMDSqm84_nmCOrXBQ8',
    dp: 'EVnZJkJTy6Cjwff9h7Kp8RQuzLRCGm-rmZGZ7LWGyzpKhxLkXeR-ONDMJWep_pFvt5_QQIM8LuShXfC_xh6ExEpM7mqSN1zlfNVXvm_KH0Oi89EuwXJxjk94Og1OrwNHtKX1dxM4sVx6pEXnZH3ez7RjUOKC-UHQiR8HzqNmq1E',
    dq: 'lcP99wCAdTuBLy7CHWSZvPUlz5fGBeJJ_WtUcNmrBGlXx4P5oQYJQjel0LzeRuj3k6_zWrACeCQ1xme04kBrEZhF2AHrg2dFkW_lteHwGvyfludJtEyhoohCTA4nQM5KzSHwIxLJ4bpqoSmHDuPlzXGumLVZ7nvi9C0LLzhX72c',
    qi: 'jQGnDAMpDtLopcMKf1gWgb0SrKg-E_MT-zk1ozCCFkGR3Ufh3O7kKzOAx2jvEs6J-OuX2TE_5F8QQbO7hC48OVsBjMxwT055wHfwGRkHvqz6x_dkQN_IvlX1_HIgrzpcr0h8WR4sRcMCbEmsimeSoxUD739ecpyUvCKn204XC28',
  },
  'rsa-2048-authority': {
    n: 'rqWyP7m3I8tZgYWriAc1qjUzCFzPpqL0g4TDeJbY8_RP4h0CH4CDvlL5JIuX2CxoYBTDdEtaz4vP96rmLMWrSIdgEAQ6EF3XPrC8c-W6Odr5RKOaPZMZDcidFuplV9LNHiNq-_sZoV1T6B5ABObYZXtXDanxiaG9peJam9bwW8iix3iaNXE91eAJmiRWvsw7_H2gDtx5k-rmHg4ep_5qSVtExYZrjmQwQn4CWuht5Rj467V4padA37qWor-nXk_9b_NZbnjKYzgJ8aiFZlHA-HTSJatPvH-dBfhxiEMsFLwS5QmPVeOlMmM77kOT5dVvNCa8DBExo2lHCo6DLkTb_Q',
    e: 'AQAB',
    d: 'AcVTU9sVtMq0iyAoV5Y_II0uicirIFTppsW7V6cr5vlUsAW8RkZ-z3i25vx1Wy9EFalQPAchkhYoUyoL8GtGq9MXkcIBNrZE3vFaz9AF_d0vBtej0jkCGYYttZRF18ie5M3WIVzv6xdvqNxZqNMQYaMJBG3zMYKO0jZD1e2tfTi8wOpmtcLIXvkETCs1BnSJ8n0rQobSpZl1uOzOvysQS_ITLmkQgt8aRGfSsOB6LQjXEri4ZEX45cmBuND1Gckl8hNxiPYTbf58IOz6QhGeFso8C7TOI9h71Sw2O6iivslIR2Wmw3YN3ylm1RvTHScEU66o3MsM1Ld3taX4ToxUTw',
    p: '7QfjiCvhnoLvpP3FIKgQTiRTuF3awBo8tPmDanKe2P6tfoyFlQc_m5EKWAhksCps8Qi3HnzNaruK9lkNqPDj4T8G6k9ZHPNIdgAucHxC7w9GrAgWYo-YvfzZ5JRLNTWPE4rBdAKZf67oUhEjPhYsTlZ_-5_56rhQVXJGsPS4fis',
    q: 'vJ-9R-kCkb3jxKjkDGtFsbv-2oR6bybPZGz1KPL9iNAGhqlm9cIK6Ht7VUwX2afJ2Ktne3yAxwQ_Oa-3zfwP8hy9lUxZH0CVMGPbGCvKkc1RRSaxTTzXlccIDLbDm2eLW-_JTAQwyMb8jZeHHJwt2w74BckpuKhVdOvPo8uBonc',
    dp: 'xilgOcml2CVTQDbAhSq8ZvfL3kjoxs2ojwxCp82nq3ZPiYrlatAih2ZcpXhu5TCy31gP77ca7O5ZoNaWqvSpLvjIST-JGsDxhWVlbbkVJFM7HDuuqzut0LgBWi34KkXaldXdIaXCupJ5u5KESjWzWNLMMItwHqF019qv6uTNEP0',
    dq: 'G-FkofdwGMi_nPb11lwYzh-imPwR-NH8v7RXPHlGPm25OTha7qKC6EAwR7haoiJp9GvJfPg3NLONAOLXQUwrszbKUwIY_kSWiLOJ0_XNGGYHyDfi5y7CEvJ7Xx24pgTVFX7I-0J3T4YSGH-4SeNP59w7judgElpXX1Pnuic_fxs',
    qi: 'jyFURTNEDfiphN_N19D3BfgJw4y6mLAs3jSEwsym-7EPufDPBkGn32p3CuuL_eldalEgIG6xJEJRpEopTpxDVmSwwJWuixWQfOuQj-b4EuRGKBpDrM6BVloXkWpyxucEU3Yu1m6E842p-g5Csc71bnclOma8n1TEIPB2VdE8bTU',
  },
  'rsa-3072': {
    n: 'y5vW9VAqWQWXBxynFlAtjKN12HsIPcZnJpL51Mt_ByczPRtVvIvSGAyLXv_5LGy-mdH9vwFLFxlgt8KG3k3X5K2RTxGtv-vUcQdFTk4lcspHuVHGrjgIkmRtWOL5uzqW19bVhlLtsIHwOP2wVcYfBwVwb41Ug5i34JZtdEfsPN83iFdLLPiIeup7xW3Ct5Gq0445TISg-JeES-2Zkl8bHPPeDDfFRiTEmj_VwX-DKxBov8SjWwCkAp1_RnceqMabBnSJ2G4gSA57xGn1PJlyqeiRMc4S3Ts68Mswr0gCzIRvYBsFZm-4Df4fx2GgMX8Zqgsm9cb9oLl1LhJVnj7Ygr-twKNkjYAWCcuyOoXoB3tXcwfLI6v1OYDmhfMT8b9CGR9IoHJNyxnWnvcLBEEvCItOL76oFDRPdUQIfeH8R54-Tp-4eGfomI0uDa--O1C-KWLPTk9ANLxWWIIiakTzcFAVPlgaVR-KtM_-7ryHUs82SNTXvk9fY4y7RqHvSIYN',
    e: 'AQAB',
    d: 'XvQ1Cd-SeES6m8b5h1bp_yomJciu3bxe06b8mwgyHABkjW1njRA58Rw8jRfcOSMXun2rlD3CqqmbqOcv5ZGxCwUE_LZ2bMhLIVEuOagJH-EFFQB1oz8fhEIQmsDzjST0PwGCP-wBzGy0vqdU6pOEWc5oEqX7EYoRysvsjKuUGQlSiSOIvBbF82jSQw7-nYRyAcpUn4JE3doviQdsNM5kwxpZ5iHGPwGbrIHzqpNQdS9oYnKOajzAwDV6Kz8XTcecpF1q8XqZq8bW-OKGfflpxXSLSh0vpaDdFcP7wB1KFZQycTEmhtc9pfH8Yv4fLoWhyq0nbnHRpby0jesBMH_oueBV5wK24Z82aRn46LdxyXyae_1glr7jcrFShPRuORrAC_ib5LoJcmpaW_0dTYgjVD_0Bx1GTZERXcEgu4zQencO7mBLZ1BQAibIDPejb3LZGTCBmcoQyWPEDSkFU9Pf4RhYL2wqEtS94pSO7nqKhiOvXL0XnW2QnokjnSuKKESz',
    p: '8WTRdswVNDS6KCXn3hoeJXznlJbzKuY2x6_hkmgdiPUa0_iy0DkaqamMgb_0OJQBb_fCVUGiAVet1YxOKANIR_Fp6APP0I8ex-MZzNN_cCidQpMeByMCVvBTYRCjyxioZCG-t8Bf8ExWlgliPj9W6wY304wMzOfsmZrONJr5Z27X65lZQJg75PSdSpaaay8q5U2af3_UY10i60bUCU--lcMZ7VNaqHOFTMAosKslQHUQkcE9nvtR-s_NMQLzdaRX',
    q: '1-27ZcmAWdtvAAyXb1vsN1eIcIvacPDHYQdLYFODFwFsf-AA9nJ7fh-G-vr2c1f0doJS76N5GflwyG9SJpBAVCA4zcAVwlsG17KYYX-cvIr33X4bYFfUi-RLnFXLjLVbkEXapHgIYLHgwhNx9r9nGDpiNV9TpOFf-Vh8v5NTJABMYT9ONJfRCGNUgMeUUZrklYWX05VKgtRj2mmKtDjVJDDPT5d5tKF2G2wBnxiD5p6If4khlDWzl6duhyPFGco7',
    dp: 'sucQYqYQFPf6-6RUOwRKUWhHzZUuNR4XfVk5qaMmOInHT1AjXjTkMNfqvYLBAmmWwx_xU_Rnl-0edYUdq4P7Pu6Jmh2xGBXqLyR9y5L4AOzo2B1mhM2Kf1pvwSFu8yecLVHhIhgeQl6hUWM0_4M77MVX_J3wIrDEZncX2l789o5s0jx9rGTnBuHP7Sa-3S9A8F7aYSIhC19McOi2XwxN6HqHLZ-4Md4j7eUAgybkXegk1pFMFRaYBHWb0nYob4jT',
    dq: 'UFiTfIKIEeeG3BvTVYp80PLvQAGqHJBbgA04zPUGOE89Ui_F6-4ZaYrNrSIpBi5aNqazuZu4eiPJBav2g4b1iNgciuLItfMtDqHT9aOIbNfA91fvU-AapJskT13VSdxJ39s-Siin5WMK4OxfYZNDB07iMD3yX83E6oE0mgx1yVWbFix6KzO6gkaDsQ-SbvMVz1VQc1h_y0LAjQrso7bqCHdpDJKupLnXushrqglzOyMOY3ZhWkbJNssEY6C5vKj1',
    qi: 'ahFvYh_sIBZoMdk1LQvUqKc7qdWK6jJTQjaSRB2En1RxaXW0G3Tosse_o_WngUZmINRyx2eNRX8zcEkE5OCvV5XuC8hbRCjmopzAzb_pZyDEqPcVWOaV_CQRNeta0EVDBJ_944ncxv2LkLNz4--ZfSWaJuGr9BhV4kH9MupiRrdCXakvdWtM2ed4S_Gtn20GMQs6kxU2A8aZ-ARhwlQ1uz9ejv2rlaQigsDcKkpJe6b4GTE-PsdvE00WN_2EPZ_M',
  },
  'rsa-1024': {
    n: '3oUQs0NQdz9FckHtQaPcFog9e7ODAoWn5p05NqPkaZYZVyzGr0vkU7MI0A0hXD6h1veyyU4x16A5wPeSBF_vnKq7fNrW58zjhp-LZuoyBn5fde-LWyFP56HEB9XUMq3iI9JDhXZwHy7ZzovCHjOA-Us2WGp_Outv8keLi8iYUK0',
    e: 'AQAB',
    d: 'qQ9wIMKD4BWyLZzpJXXZQUVBcTpxzvi9F_lb_qeGYrInjpP2YDjIwM7FY0yWi_8J9sk6jLdcJvcU6gcuaSR6ZqKIPJHjD7RbQ75_f2NoVGoXXU3dTpVbzqtGVvkF9Zamn3ueMN_2I1ELm8O70qXyBESY74QlHFB43eS5OA76hgE',
    p: '9KrwGEeuSq4gZkHqiMZJ855kSHjchmO1baytPpeXKLZk2Ip-v7WX2ofu0mtZcRwI8Qq0YM5HM8SkBT05WJ6lLw',
    q: '6NOEEgbTYhHnFBZ-gSJmkMfw4qhlAgap8Nt0lsJKbVWV_1QbyEvzjKzKQcXfPRsD0HpYNQUFiibKKIV0SYuo4w',
    dp: '1W17zaJR3uFwb-NWRQO8JODpl_KeZDj8XfTAl5ZDDQe2htKhaHhvQ_lKEpIETs_m2OW-naezouwJLGzQ5oZVjw',
    dq: 'j8_-9yeSMDSAuK7AS0GVev6Vc1uysJKvK-BSXsD6OhiwgztPwePwN0eP0xrHLrZeH8tCatWEO3aETo1IbBlBIw',
    qi: 'UHoWrM75aqb7-mTsjZQmqceW-b-ttHHxbfeKP2RSIz20nnO_uvbDB6IYxFSVHIqodm1V9Ml5xeX_t79bMFmiIw',
  },
  'rsa-2040': {
    n: 'vlZ588jT6rKORtKLmIdx1xlELYu5eh6p6BJDRnr172NHVaEoHPesHYn-LIJJv5PSUUdYBIon_r5x7mWnZEXETdwuBgLnF8gnTQMmxgkjP0VOY4S28LBbp8ClVdpj7fcyntI7pMGrwVD44d1Y9vFLHGhAkYWhLTgxXxcydOBu_WBfSrmzBV3Pztj5hn1JTqfOaouYv04HS8waT6seUrBoief9810_YkZ8qIm624HiHaR1eNRqGiFM0i7zlbIcgJggjI6NDokPzX8YcAwzDThAAMZ_a6h7u8-prqkop4GuxYoRz8Xwh_CMzcVefP08rn7ToPj_K04ZfVWHx5U3Xph9',
    e: 'AQAB',
    d: 'tW4s1QpLpl4JbMzpL7178DMvX9LeO9_ayVIPOrGemE-kAaWaXPJg589PrxGKRskbI0rERZ-DvDnA1COlydkO48DLRgOiUHMDs08buI2hQYBI1mf9EbSpyV_CufFwa7bEU8vF-qh5lc4fTvz0_n7GwA9H7O7Z0gbMWP39pJcCdPztHwuGyS2rpHEWYjrx4Nj45H8KIkT6S5u6eGeaRxHsTSVdsEhbYL6YThIeu4r9tPOPz_ZR6bkopjfWpheuWxKoEnuY1t9kxh9Q0aHMOsR1MmGGwuoT9LVjS8keAHIsHKOtqnXTVS1LUGmJXZFWS9Bk7_H9m2q3bOo7Qi2HolTp',
    p: 'DxtMYT3vKEyFOLdXOgyFTFY-4uMNt4Z6kpyIrYYh2oAn-sc7gLpRE-lGqhpqGCOqzfNAR5iSJVtKrkDaC2yD4qoWyu6IgokXceKM0UfS-qtlN116qsZBLC_47doexQz7H04vSyUefyEdaZ_BsPi4PLJHgSi-rsHxBv2obFXXNqM',
    q: 'DJmAeEAF_Mb4GzPNtY3Lx6HZWxEr3d7-jmJtS0O6madgTiCTAQzrIKe0nBjeBL2FzmqJXqBv9zaAKlWFXCKpXDiAlYlJM9fNvuT9Z8rLO2RvzE1nEQG7Ff0vK0wA3Srlq1z_L46HQ_bIhlLmwhDyG7zIsxRjU7Cn4RtRt5j4hl8',
    dp: 'CWcrhse_Sm0-60urnrVWb2qroBxGWHr7ZrDKnoAEKHZm7EEA96KBfwxP8OeaLEZfNex4kVgVd-04MfiqADxeZ0MKBuysydu9XSTwFABKAb-Xs_uatBvNS0zc_GgtiOgIk7bd1z9WmTkqjqljLd3TB-zMd0e-URblCT3wjOZtnFM',
    dq: 'BftF41C5xvSKyxc_3KZRjRfIQZSYV7_K57vQmT-xMcslTFHomEISyjDz7Htdw7BZ-tHXH2ZZYWqtU-u_4SrPbmmgmd1QNF2KXssFhqXe7_ZRoRNKD-fbcqf9Ibf2XQlFeaIvv9sRWnGpZyOqS42R8xsfyOyv7wZZ3OOEWv4zVk8',
    qi: 'B05R4zdAV6xk9MxNplxMz_luFc5975G_dZpcoBioXEWAAiBqaK6s3uVxiHc2vfgecxpr9Bbrx2Bjs2TZd94dUgmaxCC6GJinenaNcUcnGN6uLqlpY5XegqEff6tuFLwo49fjwL3fIFJfcVKD_L3gYBa_F2wkD2VFiH19Y9lOEDc',
  },
} as const satisfies Readonly<Record<string, JsonWebKey>>;

/** An RSA key by its name. */
export function rsaKey(name: keyof typeof RSA): KeyObject {
  return createPrivateKey({ format: 'jwk', key: { kty: 'RSA', ...RSA[name] } });
}
