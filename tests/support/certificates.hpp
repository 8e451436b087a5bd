// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// Certificates, good and bad, from an authority of the tests' own.

#pragma once

#include <support/catch.hpp>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <utility>

namespace test {

/// A certificate and its key, in PEM.
struct identity {
  std::string cert;
  std::string key;
};

/// What is to be in a certificate.
struct certificate_request {
  std::string subject = "localhost";                 ///< its common name
  std::string names = "DNS:localhost,IP:127.0.0.1";  ///< none if empty
  std::string usage = "serverAuth,clientAuth";
  long valid_from = -3600;  ///< seconds from now
  long valid_to = 3600;
};

/// Signs certificates.
class authority {
  using pkey = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;
  using x509 = std::unique_ptr<X509, decltype(&X509_free)>;

 public:
  explicit authority(const std::string& name = "authority of the tests")
      : key_(EVP_EC_gen("P-256"), &EVP_PKEY_free), cert_(X509_new(), &X509_free) {
    REQUIRE(key_);
    certificate_request own;
    own.subject = name;
    describe(*cert_, *key_, own);
    X509_set_issuer_name(cert_.get(), X509_get_subject_name(cert_.get()));
    extend(*cert_, NID_basic_constraints, "critical,CA:TRUE");
    extend(*cert_, NID_key_usage, "critical,keyCertSign,cRLSign");
    extend(*cert_, NID_subject_key_identifier, "hash");
    REQUIRE(X509_sign(cert_.get(), key_.get(), EVP_sha256()) > 0);
  }

  /// Its own certificate, for those who are to trust it.
  std::string cert() const { return pem_of(*cert_); }

  identity issue(const certificate_request& request = {}) const {
    const pkey key(EVP_EC_gen("P-256"), &EVP_PKEY_free);
    return issue_for(*key, *cert_, request);
  }

  friend identity self_signed(const certificate_request&);

 private:
  identity issue_for(EVP_PKEY& key, const X509& issuer,
                     const certificate_request& request) const {
    const x509 made(X509_new(), &X509_free);
    describe(*made, key, request);
    X509_set_issuer_name(made.get(), X509_get_subject_name(&issuer));
    extend(*made, NID_basic_constraints, "CA:FALSE");
    extend(*made, NID_ext_key_usage, request.usage);
    if (!request.names.empty()) extend(*made, NID_subject_alt_name, request.names);
    REQUIRE(X509_sign(made.get(), key_.get(), EVP_sha256()) > 0);
    return {pem_of(*made), pem_of(key)};
  }

  static void describe(X509& to, EVP_PKEY& key, const certificate_request& request) {
    static long serial = 0;
    X509_set_version(&to, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(&to), ++serial);
    X509_gmtime_adj(X509_getm_notBefore(&to), request.valid_from);
    X509_gmtime_adj(X509_getm_notAfter(&to), request.valid_to);
    X509_set_pubkey(&to, &key);
    X509_NAME_add_entry_by_txt(
        X509_get_subject_name(&to), "CN", MBSTRING_UTF8,
        reinterpret_cast<const unsigned char*>(request.subject.c_str()), -1, -1, 0);
  }

  void extend(X509& to, int nid, const std::string& value) const {
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, cert_.get(), &to, nullptr, nullptr, 0);
    X509_EXTENSION* const made =
        X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str());
    REQUIRE(made != nullptr);
    X509_add_ext(&to, made, -1);
    X509_EXTENSION_free(made);
  }

  template <class Write>
  static std::string text_of(Write write) {
    BIO* const memory = BIO_new(BIO_s_mem());
    REQUIRE(write(memory) == 1);
    char* text = nullptr;
    const long size = BIO_get_mem_data(memory, &text);
    std::string made(text, static_cast<std::size_t>(size));
    BIO_free(memory);
    return made;
  }
  static std::string pem_of(X509& cert) {
    return text_of([&](BIO* to) { return PEM_write_bio_X509(to, &cert); });
  }
  static std::string pem_of(EVP_PKEY& key) {
    return text_of([&](BIO* to) {
      return PEM_write_bio_PrivateKey(to, &key, nullptr, nullptr, 0, nullptr, nullptr);
    });
  }

  pkey key_;
  x509 cert_;
};

/// Signed by nobody else.
inline identity self_signed(const certificate_request& request = {}) {
  const authority itself(request.subject);
  return itself.issue_for(*itself.key_, *itself.cert_, request);
}

/// One for all tests, because keys take time to make.
inline const authority& trusted() {
  static const authority made;
  return made;
}

/// Good for localhost and 127.0.0.1.
inline const identity& localhost() {
  static const identity made = trusted().issue();
  return made;
}

/// The key behind a password.
inline std::string locked(const std::string& key_pem, const std::string& password) {
  BIO* const from = BIO_new_mem_buf(key_pem.data(), static_cast<int>(key_pem.size()));
  EVP_PKEY* const key = PEM_read_bio_PrivateKey(from, nullptr, nullptr, nullptr);
  BIO* const to = BIO_new(BIO_s_mem());
  REQUIRE(PEM_write_bio_PrivateKey(
              to, key, EVP_aes_128_cbc(),
              reinterpret_cast<const unsigned char*>(password.data()),
              static_cast<int>(password.size()), nullptr, nullptr) == 1);
  char* text = nullptr;
  const long size = BIO_get_mem_data(to, &text);
  std::string made(text, static_cast<std::size_t>(size));
  BIO_free(to);
  BIO_free(from);
  EVP_PKEY_free(key);
  return made;
}

/// A folder that goes with this.
class scratch_folder {
 public:
  scratch_folder() {
    std::string name = (std::filesystem::temp_directory_path() / "aio-XXXXXX").string();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    path_ = name;
  }
  scratch_folder(const scratch_folder&) = delete;
  scratch_folder& operator=(const scratch_folder&) = delete;
  ~scratch_folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }

  /// The path of a new file with this text.
  std::string file(const std::string& name, const std::string& text) const {
    const std::filesystem::path made = path_ / name;
    std::ofstream(made) << text;
    return made.string();
  }
  std::string path(const std::string& name) const { return (path_ / name).string(); }

 private:
  std::filesystem::path path_;
};

}  // namespace test
