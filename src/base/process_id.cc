#include "src/base/process_id.h"

namespace meridian {

const char* to_string(Role role) { return role == Role::worker ? "worker" : "server"; }

std::string process_name(const std::string& datacenter_name, ProcessId id) {
  return datacenter_name + "-" + to_string(id.role) + "-" + std::to_string(id.index);
}

}  // namespace meridian
