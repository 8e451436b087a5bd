// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// What is in a certificate, in plain text.

#pragma once

#include <aio/net/tls_info.hpp>
#include <aio/tls/openssl_error.hpp>

#include <openssl/asn1.h>
#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/crypto.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <array>
#include <cstddef>
#include <memory>
#include <new>
#include <string>
#include <string_view>
#include <vector>

namespace aio::detail {

/// What `print` writes into a BIO.
template <class Print>
std::string openssl_text(Print print) {
  const bio_ptr memory(BIO_new(BIO_s_mem()));
  if (!memory) throw std::bad_alloc();
  print(memory.get());
  char* text = nullptr;
  const long size = BIO_get_mem_data(memory.get(), &text);
  return size > 0 ? std::string(text, static_cast<std::size_t>(size)) : std::string();
}

inline std::string name_text(const X509_NAME* name) {
  return openssl_text([&](BIO* to) {
    X509_NAME_print_ex(to, name, 0, XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB);
  });
}

inline std::string time_text(const ASN1_TIME* time) {
  return openssl_text([&](BIO* to) { ASN1_TIME_print(to, time); });
}

inline std::string number_text(const ASN1_INTEGER* number) {
  return openssl_text([&](BIO* to) { i2a_ASN1_INTEGER(to, number); });
}

/// "127.0.0.1" or, for IPv6, eight groups without gaps.
inline std::string ip_text(std::basic_string_view<unsigned char> bytes) {
  std::string text;
  if (bytes.size() == 4) {
    for (const unsigned char b : bytes) {
      if (!text.empty()) text += '.';
      text += std::to_string(b);
    }
  } else if (bytes.size() == 16) {
    constexpr std::string_view digits = "0123456789ABCDEF";
    for (std::size_t i = 0; i < bytes.size(); i += 2) {
      const unsigned group = bytes[i] * 256U + bytes[i + 1];
      if (i > 0) text += ':';
      for (int shift = 12; shift >= 0; shift -= 4) {
        // Without leading zeros.
        if (shift > 0 && group >> shift == 0) continue;
        text += digits[(group >> shift) & 15U];
      }
    }
  }
  return text;
}

inline std::vector<std::string> names_of(const X509* certificate) {
  std::vector<std::string> names;
  using names_ptr = std::unique_ptr<GENERAL_NAMES, openssl_end<&GENERAL_NAMES_free>>;
  const names_ptr all(static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  for (int i = 0; i < sk_GENERAL_NAME_num(all.get()); ++i) {
    int type = 0;
    const auto* value = static_cast<const ASN1_STRING*>(
        GENERAL_NAME_get0_value(sk_GENERAL_NAME_value(all.get(), i), &type));
    if (type != GEN_DNS && type != GEN_IPADD) continue;
    const std::basic_string_view<unsigned char> bytes(
        ASN1_STRING_get0_data(value),
        static_cast<std::size_t>(ASN1_STRING_length(value)));
    names.push_back(type == GEN_IPADD ? ip_text(bytes)
                                      : std::string(bytes.begin(), bytes.end()));
  }
  return names;
}

inline tls_certificate describe(X509* certificate) {
  tls_certificate made;
  unsigned char* der = nullptr;
  const int size = i2d_X509(certificate, &der);
  if (size > 0) made.der.assign(der, der + size);
  OPENSSL_free(der);
  made.subject = name_text(X509_get_subject_name(certificate));
  made.issuer = name_text(X509_get_issuer_name(certificate));
  made.serial = number_text(X509_get0_serialNumber(certificate));
  made.not_before = time_text(X509_get0_notBefore(certificate));
  made.not_after = time_text(X509_get0_notAfter(certificate));
  made.names = names_of(certificate);
  ERR_clear_error();
  return made;
}

}  // namespace aio::detail
