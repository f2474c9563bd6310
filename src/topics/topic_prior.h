// The prior of latent Dirichlet allocation (Blei, Ng & Jordan, JMLR 3, 2003), symmetric on both sides.
#pragma once

#include <cstddef>

namespace meridian {

struct TopicPrior {
  std::size_t topics = 100;  ///< 1 to kMostTopics
  double alpha = 0.1;        ///< of each topic in a document
  double beta = 0.01;        ///< of each word in a topic
};

}  // namespace meridian
