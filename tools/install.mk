# make install, make uninstall: headers, libraries, pkg-config files and the CMake package under PREFIX, below DESTDIR.
# Nothing is built in here that `make` has built already, so `sudo make install` needs no Rust in root's environment.

PKGCONFIGDIR := $(LIBDIR)/pkgconfig
CMAKEDIR     := $(LIBDIR)/cmake/eclipse-paho-mqtt-c
TEMPLATES    := tools/templates
# What a program that links the static archives adds itself.
PRIVATE_LIBS := -lpthread -ldl -lm -lrt -lutil

.PHONY: install uninstall

install: libs ## install headers, libraries, pkg-config and CMake files (PREFIX, LIBDIR, DESTDIR)
	$(INSTALL) -d $(DESTDIR)$(LIBDIR) $(DESTDIR)$(INCLUDEDIR) $(DESTDIR)$(PKGCONFIGDIR) $(DESTDIR)$(CMAKEDIR)
	$(INSTALL) -m 644 $(wildcard include/*.h) $(DESTDIR)$(INCLUDEDIR)
	$(INSTALL) -m 644 $(SHARED:%=%.$(ABI_VERSION)) $(STATIC) $(DESTDIR)$(LIBDIR)
	$(foreach lib,$(LIBS),$(call install_links,libpaho-mqtt3$(lib).so))
	$(foreach lib,$(LIBS),$(call install_pc,$(lib)))
	$(INSTALL) -m 644 $(OXIDE_LIBS:%=$(OUTPUT)/libpaho-%.so.$(OXIDE_VERSION)) $(OXIDE_LIBS:%=$(OUTPUT)/libpaho-%.a) $(DESTDIR)$(LIBDIR)
	$(foreach lib,$(OXIDE_LIBS),$(call install_oxide,$(lib)))
	for file in Config ConfigVersion; do \
	    sed $(SUBSTITUTE) $(TEMPLATES)/eclipse-paho-mqtt-c$$file.cmake >$(DESTDIR)$(CMAKEDIR)/eclipse-paho-mqtt-c$$file.cmake; \
	done
	$(if $(DESTDIR),,-[ "$$(id -u)" -ne 0 ] || ldconfig)

# $(1): a library's name without a version.
define install_links
	ln -sf $(1).$(ABI_VERSION) $(DESTDIR)$(LIBDIR)/$(1).$(ABI_MAJOR)
	ln -sf $(1).$(ABI_MAJOR) $(DESTDIR)$(LIBDIR)/$(1)

endef

# $(1): oxide or oxide-tls.
define install_oxide
	ln -sf libpaho-$(1).so.$(OXIDE_VERSION) $(DESTDIR)$(LIBDIR)/libpaho-$(1).so.$(OXIDE_MAJOR)
	ln -sf libpaho-$(1).so.$(OXIDE_MAJOR) $(DESTDIR)$(LIBDIR)/libpaho-$(1).so
	sed -e 's|@VERSION@|$(OXIDE_VERSION)|g' $(SUBSTITUTE) -e 's|@LIB@|paho-$(1)|g' -e 's|@API@|$(API_$(1))|g' \
	    -e 's|@TLS_LIBS@|$(if $(filter tls,$(ENGINE_$(1))),-lssl -lcrypto )|' \
	    $(TEMPLATES)/paho-mqtt3.pc >$(DESTDIR)$(PKGCONFIGDIR)/paho-$(1).pc

endef

API_oxide     := MQTTOxide
API_oxide-tls := MQTTOxide with TLS
API_a  := MQTTAsync
API_as := MQTTAsync with TLS
API_c  := MQTTClient
API_cs := MQTTClient with TLS
SUBSTITUTE = -e 's|@OXIDE_VERSION@|$(OXIDE_VERSION)|g' -e 's|@OXIDE_MAJOR@|$(OXIDE_MAJOR)|g' -e 's|@VERSION@|$(ABI_VERSION)|g' -e 's|@MAJOR@|$(ABI_MAJOR)|g' -e 's|@PREFIX@|$(PREFIX)|g' \
    -e 's|@LIBDIR@|$(LIBDIR)|g' -e 's|@INCLUDEDIR@|$(INCLUDEDIR)|g' -e 's|@PRIVATE_LIBS@|$(PRIVATE_LIBS)|g'

# $(1): a, as, c or cs. OpenSSL is named under Libs.private, not Requires.private: pkg-config insists on the latter's .pc
# files even for the shared libraries, which bring OpenSSL themselves.
define install_pc
	sed $(SUBSTITUTE) -e 's|@LIB@|paho-mqtt3$(1)|g' -e 's|@API@|$(API_$(1))|g' \
	    -e 's|@TLS_LIBS@|$(if $(filter tls,$(ENGINE_$(1))),-lssl -lcrypto )|' \
	    $(TEMPLATES)/paho-mqtt3.pc >$(DESTDIR)$(PKGCONFIGDIR)/paho-mqtt3$(1).pc

endef

uninstall: ## remove what `make install` put there
	rm -f $(addprefix $(DESTDIR)$(INCLUDEDIR)/,$(notdir $(wildcard include/*.h)))
	rm -f $(foreach lib,$(LIBS),$(addprefix $(DESTDIR)$(LIBDIR)/libpaho-mqtt3$(lib),.so .so.$(ABI_MAJOR) .so.$(ABI_VERSION) .a))
	rm -f $(LIBS:%=$(DESTDIR)$(PKGCONFIGDIR)/paho-mqtt3%.pc)
	rm -f $(foreach lib,$(OXIDE_LIBS),$(addprefix $(DESTDIR)$(LIBDIR)/libpaho-$(lib),.so .so.$(OXIDE_MAJOR) .so.$(OXIDE_VERSION) .a))
	rm -f $(OXIDE_LIBS:%=$(DESTDIR)$(PKGCONFIGDIR)/paho-%.pc)
	rm -rf $(DESTDIR)$(CMAKEDIR)
	$(if $(DESTDIR),,-[ "$$(id -u)" -ne 0 ] || ldconfig)
