# find_package(eclipse-paho-mqtt-c) gives, for each library X in 3a, 3as, 3c and 3cs:
#   eclipse-paho-mqtt-c::paho-mqttX          the shared library
#   eclipse-paho-mqtt-c::paho-mqttX-static   the static archive and what it needs

# Relative to this file, so that the installed tree can be moved; except where it is found through a link such as
# /lib -> /usr/lib, from which the way to the headers would be another.
get_filename_component(_paho_libdir "${CMAKE_CURRENT_LIST_DIR}/../.." REALPATH)
file(RELATIVE_PATH _paho_to_include "@LIBDIR@" "@INCLUDEDIR@")
get_filename_component(_paho_includedir "${_paho_libdir}/${_paho_to_include}" ABSOLUTE)

find_package(Threads QUIET)
# The libraries with TLS bring OpenSSL themselves; only their static archives need it at link time.
find_package(OpenSSL QUIET)

foreach(_paho_lib 3a 3as 3c 3cs)
  set(_paho_shared "${_paho_libdir}/libpaho-mqtt${_paho_lib}.so.@VERSION@")
  set(_paho_static "${_paho_libdir}/libpaho-mqtt${_paho_lib}.a")
  foreach(_paho_file IN ITEMS "${_paho_shared}" "${_paho_static}")
    if(NOT EXISTS "${_paho_file}")
      set(eclipse-paho-mqtt-c_FOUND FALSE)
      set(eclipse-paho-mqtt-c_NOT_FOUND_MESSAGE "${_paho_file} is missing: the installation is incomplete.")
      return()
    endif()
  endforeach()

  # Found already by another part of the same project.
  if(TARGET eclipse-paho-mqtt-c::paho-mqtt${_paho_lib})
    continue()
  endif()

  add_library(eclipse-paho-mqtt-c::paho-mqtt${_paho_lib} SHARED IMPORTED)
  set_target_properties(eclipse-paho-mqtt-c::paho-mqtt${_paho_lib} PROPERTIES
    IMPORTED_LOCATION "${_paho_shared}"
    IMPORTED_SONAME "libpaho-mqtt${_paho_lib}.so.@MAJOR@"
    INTERFACE_INCLUDE_DIRECTORIES "${_paho_includedir}")

  set(_paho_needs "${CMAKE_DL_LIBS}" m rt util)
  if(TARGET Threads::Threads)
    list(APPEND _paho_needs Threads::Threads)
  else()
    list(APPEND _paho_needs pthread)
  endif()
  if(_paho_lib MATCHES "s$")
    list(INSERT _paho_needs 0 OpenSSL::SSL OpenSSL::Crypto)
  endif()
  add_library(eclipse-paho-mqtt-c::paho-mqtt${_paho_lib}-static STATIC IMPORTED)
  set_target_properties(eclipse-paho-mqtt-c::paho-mqtt${_paho_lib}-static PROPERTIES
    IMPORTED_LOCATION "${_paho_static}"
    IMPORTED_LINK_INTERFACE_LANGUAGES "C"
    INTERFACE_INCLUDE_DIRECTORIES "${_paho_includedir}"
    INTERFACE_LINK_LIBRARIES "${_paho_needs}")
endforeach()

# Our own API, eclipse-paho-mqtt-c::paho-oxide and eclipse-paho-mqtt-c::paho-oxide-tls, where it is installed.
foreach(_paho_lib oxide oxide-tls)
  set(_paho_shared "${_paho_libdir}/libpaho-${_paho_lib}.so.@OXIDE_VERSION@")
  if(EXISTS "${_paho_shared}" AND NOT TARGET eclipse-paho-mqtt-c::paho-${_paho_lib})
    add_library(eclipse-paho-mqtt-c::paho-${_paho_lib} SHARED IMPORTED)
    set_target_properties(eclipse-paho-mqtt-c::paho-${_paho_lib} PROPERTIES
      IMPORTED_LOCATION "${_paho_shared}"
      IMPORTED_SONAME "libpaho-${_paho_lib}.so.@OXIDE_MAJOR@"
      INTERFACE_INCLUDE_DIRECTORIES "${_paho_includedir}")
  endif()
endforeach()

foreach(_paho_name lib libdir includedir to_include shared static file needs)
  unset(_paho_${_paho_name})
endforeach()
